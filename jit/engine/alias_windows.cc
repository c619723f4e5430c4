#include "jit/engine/alias_windows.h"

#include <sys/mman.h>

#include "base/bits.h"
#include "base/check.h"

namespace tandem::jit {

using devices::FlatRange;

AliasWindows::AliasWindows() : windows_(std::make_unique<std::array<Window, kWindows>>()) {
  void* const memory = ::mmap(nullptr, kWindows * kSpan, PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(memory != MAP_FAILED);
  memory_ = static_cast<u8*>(memory);
}

AliasWindows::~AliasWindows() { ::munmap(memory_, kWindows * kSpan); }

u64 AliasWindows::AddendFor(u64 linear) const {
  return reinterpret_cast<u64>(memory_) + IndexOf(linear) * kSpan - AlignDown(linear, kSpan);
}

bool AliasWindows::Owns(u64 linear) const {
  return (*windows_)[IndexOf(linear)].linear == AlignDown(linear, kSpan);
}

void AliasWindows::Claim(u64 linear) {
  Window& window = (*windows_)[IndexOf(linear)];
  window.linear = AlignDown(linear, kSpan);
  window.hosts.fill(0);
}

bool AliasWindows::Shows(u64 linear_page, u64 host_page) const {
  const Window& window = (*windows_)[IndexOf(linear_page)];
  return Owns(linear_page) && window.hosts[linear_page % kSpan / 4096] == host_page;
}

bool AliasWindows::Show(u64 linear_page, u64 host_page, const devices::FlatView& view) {
  Window& window = (*windows_)[IndexOf(linear_page)];
  for (const FlatRange& range : view.ranges()) {
    const u64 offset = range.ram ? host_page - reinterpret_cast<u64>(range.ram->data()) : ~u64{0};
    if (!range.ram || offset >= range.ram->size()) {
      continue;
    }
    u8* const place = memory_ + IndexOf(linear_page) * kSpan + linear_page % kSpan;
    void* const shown = ::mmap(place, 4096, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_FIXED | MAP_POPULATE, range.ram->fd(),
                               static_cast<off_t>(offset));
    window.hosts[linear_page % kSpan / 4096] = shown == MAP_FAILED ? 0 : host_page;
    return shown != MAP_FAILED;
  }
  return false;
}

}  // namespace tandem::jit
