#include "jit/engine/check_entries.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/bits.h"
#include "jit/engine/code_point.h"
#include "jit/engine/content_hash.h"
#include "jit/engine/engine.h"

// Before translated code is entered from C++, and by watched blocks at each leader: is this a block
// that stands for what the guest has there, in the mode that the guest is in?
namespace tandem::jit {
namespace {

constexpr u8 kCall = 0xe8, kJump = 0xe9;
constexpr size_t kBranchLength = 5;

// Whether the branch that ends at this executable address leads to the thunk.
bool FollowsBranch(const CodeSpace& space, const u8* at, u8 opcode, const u8* thunk) {
  const u8* const end = space.ToWritable(at);
  i32 displacement = 0;
  std::memcpy(&displacement, end - sizeof(displacement), sizeof(displacement));
  return end[-static_cast<i64>(kBranchLength)] == opcode && end + displacement == thunk;
}

// Whether C++ may come back there: behind the call of a thunk.
bool IsReentry(const CodeSpace& space, const Thunks& thunks, const u8* at) {
  for (const auto& bank : thunks.miss) {
    if (FollowsBranch(space, at, kCall, bank[0]) || FollowsBranch(space, at, kCall, bank[1])) {
      return true;
    }
  }
  return FollowsBranch(space, at, kJump, thunks.call_out) ||
         FollowsBranch(space, at - sizeof(EntryRecord), kCall, thunks.entered);
}

}  // namespace

// The host address of guest code, by the page tables as they have been since the last flush; 0: it is
// no RAM.
u64 Engine::HostOfCode(u64 linear) {
  const u64 page = AlignDown(linear, kPageSize);
  CheckedPage& known = checked_pages_[page / kPageSize % checked_pages_.size()];
  if (known.linear != page || known.generation != mmu_.generation()) {
    known = {page, mmu_.generation(), WalkToCode(page)};
  }
  return known.host == 0 ? 0 : known.host + linear % kPageSize;
}

u64 Engine::WalkToCode(u64 linear) const {
  Gpa address;
  if (!mmu_.DebugTranslate(Gva(linear), address)) {
    return 0;
  }
  const devices::FlatRange* const range = mmu_.view().Find(address);
  return range == nullptr || !range->ram
             ? 0
             : reinterpret_cast<u64>(range->ram->data()) + range->offset + (address - range->start);
}

// What is wrong with running the block now; null: nothing. With the cache locked.
const char* Engine::DefectOf(const Block& block) const {
  UnitMode mode = CurrentMode();
  const u64 key = mode.Key();
  mode.ungrouped = true;
  if (block.key.mode != key && block.key.mode != mode.Key()) {
    return "the block was made for another mode";
  }
  if (block.retired) {
    const bool is_told = (context_.attention.load() & kForgetAttention) != 0;
    return is_told ? nullptr : "the block is retired";
  }
  return nullptr;
}

// Takes long: not each time.
const char* Engine::DefectOfContent(const Block& block) {
  constexpr u64 kChecksBetween = 16;
  const bool is_due = checked_entries_++ % kChecksBetween == 0;
  return !is_due || block.retired || ContentNow(block) == block.content
             ? nullptr
             : "the block's guest bytes have changed";
}

const char* Engine::DefectOfJump(const u8* code) {
  if (!shared_.space().HoldsExecutable(code)) {
    return "it lies outside the executable mapping";
  }
  MutexLock lock(shared_.cache().mutex());
  const Block* const block = shared_.cache().FindByCode(code);
  if (block == nullptr) {
    return "no block is there";
  }
  if (code != shared_.EntryOf(*block)) {
    return IsReentry(shared_.space(), shared_.thunks(), code) ? DefectOf(*block)
                                                              : "it is no entry of its block";
  }
  return HostOfCode(LinearRip()) == block->key.address
             ? DefectOf(*block)
             : "the block was made of another page";
}

const char* Engine::DefectOfEntry(const EntryRecord& record) {
  const Block& block = *reinterpret_cast<const Block*>(record.block);
  const u8* const code = shared_.space().ToWritable(&record);
  MutexLock lock(shared_.cache().mutex());
  if (code < block.code || code >= block.code + block.code_size) {
    return "it is no part of its block";
  }
  if (HostOfCode(LinearOf(record.offset)) != HostOf(block, record.offset)) {
    return "the block was made of another page";
  }
  const char* const defect = DefectOf(block);
  return defect != nullptr ? defect : DefectOfContent(block);
}

// Others may be in the midst of a retirement: then what looks wrong is right soon.
template <typename Defect>
void Engine::Verify(const void* code, u64 linear, Defect defect) {
  constexpr int kTries = 1000;
  const char* found = defect();
  for (int i = 0; found != nullptr && i < kTries; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    checked_entries_ = 0;
    checked_pages_.fill({});
    found = defect();
  }
  if (found != nullptr) {
    fmt::print(stderr, "tandem: vcpu {}: jump to {}, linear address {:#x}: {}\n",
               interpreter_.core().id, code, linear, found);
    std::abort();
  }
}

void Engine::CheckJump(const u8* code) {
  if (code != nullptr) {
    Verify(code, LinearRip(), [&] { return DefectOfJump(code); });
  }
}

void Engine::CheckEntry(const EntryRecord& record) {
  Verify(&record, LinearOf(record.offset), [&] { return DefectOfEntry(record); });
}

}  // namespace tandem::jit
