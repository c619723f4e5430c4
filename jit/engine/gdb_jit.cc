#include "jit/engine/gdb_jit.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "jit/engine/gdb_image.h"
#include "jit/engine/gdb_interface.h"

extern "C" {

[[gnu::visibility("default"), gnu::used]] jit_descriptor __jit_debug_descriptor = {1, 0, nullptr,
                                                                                   nullptr};

// The debugger has a breakpoint here.
[[gnu::visibility("default"), gnu::used, gnu::noinline]] void __jit_debug_register_code() {
  asm volatile("" ::: "memory");
}
}

namespace tandem::jit {
namespace {

constexpr u32 kRegister = 1, kUnregister = 2;
constexpr u64 kMaxGap = 64;  // between blocks one behind the other
constexpr size_t kThunkImages = 3;

// The descriptor belongs to the process.
std::mutex& DescriptorMutex() {
  static std::mutex mutex;
  return mutex;
}

void Tell(u32 action, jit_code_entry& entry) {
  __jit_debug_descriptor.action_flag = action;
  __jit_debug_descriptor.relevant_entry = &entry;
  __jit_debug_register_code();
}

}  // namespace

// One registered file. A debugger that attaches later finds it as it is then.
class GdbJit::Image {
 public:
  Image(u64 start, FrameKind kind) : file_(start, kind) {
    entry_.symfile_addr = file_.bytes().data();
    entry_.symfile_size = file_.bytes().size();
  }
  ~Image() { Unregister(); }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  const GdbImage& file() const { return file_; }

  void Add(u64 start, u32 size, std::string_view name) {
    Unregister();
    file_.Add(start, size, name);
    Register();
  }

 private:
  void Register() {
    const std::lock_guard lock(DescriptorMutex());
    jit_code_entry*& first = __jit_debug_descriptor.first_entry;
    entry_.prev_entry = nullptr;
    entry_.next_entry = first;
    if (first != nullptr) {
      first->prev_entry = &entry_;
    }
    first = &entry_;
    is_registered_ = true;
    Tell(kRegister, entry_);
  }
  void Unregister() {
    const std::lock_guard lock(DescriptorMutex());
    if (!is_registered_) {
      return;
    }
    jit_code_entry*& before = entry_.prev_entry != nullptr ? entry_.prev_entry->next_entry
                                                           : __jit_debug_descriptor.first_entry;
    before = entry_.next_entry;
    if (entry_.next_entry != nullptr) {
      entry_.next_entry->prev_entry = entry_.prev_entry;
    }
    is_registered_ = false;
    Tell(kUnregister, entry_);
  }

  GdbImage file_;
  jit_code_entry entry_{};
  bool is_registered_ = false;
};

GdbJit::GdbJit(const Thunks& thunks, const CodeSpace& space) { AddThunks(thunks, space); }

GdbJit::~GdbJit() = default;

// A return address is looked up one byte before: that of the shadow stack's end, too.
void GdbJit::AddThunks(const Thunks& thunks, const CodeSpace& space) {
  constexpr u64 kUnderflowSize = 16;
  const u64 start = reinterpret_cast<u64>(space.executable());
  const u64 underflow = reinterpret_cast<u64>(thunks.return_underflow) - 1;
  const auto add = [this](u64 from, u64 to, FrameKind kind, std::string_view name) {
    images_.push_back(std::make_unique<Image>(from, kind));
    images_.back()->Add(from, static_cast<u32>(to - from), name);
  };
  add(start, underflow, FrameKind::kThunks, "tandem_thunks");
  add(underflow, underflow + kUnderflowSize, FrameKind::kEnd, "tandem_end_of_calls");
  add(underflow + kUnderflowSize, start + thunks.size, FrameKind::kThunks, "tandem_miss_thunks");
}

void GdbJit::Add(const u8* code, u32 size, u64 linear) {
  const u64 start = reinterpret_cast<u64>(code);
  const GdbImage& last = images_.back()->file();
  const bool follows = images_.size() > kThunkImages && start - last.end() <= kMaxGap;
  if (!follows || last.IsFull()) {
    images_.push_back(std::make_unique<Image>(start, FrameKind::kBlock));
  }
  images_.back()->Add(start, size, fmt::format("guest_{:#x}", linear));
}

void GdbJit::Forget(const u8* start, size_t size) {
  const u64 from = reinterpret_cast<u64>(start);
  std::erase_if(images_, [&](const std::unique_ptr<Image>& image) {
    return image->file().start() - from < size;
  });
}

std::vector<std::string_view> GdbJit::Images() const {
  std::vector<std::string_view> result;
  for (const std::unique_ptr<Image>& image : images_) {
    result.push_back(image->file().bytes());
  }
  return result;
}

}  // namespace tandem::jit
