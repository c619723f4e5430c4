#include "jit/engine/engine.h"

// Now and then the thread is asked where it is. It answers at its next poll, that is at the head of a
// loop. A loop that is met twice gets a region.
namespace tandem::jit {

void Engine::Sample() {
  is_sampled_ = false;
  ++counts_.samples;
  GuestPage page;
  cpu::Fault ignored;
  if (MayPassLimit() || mode_.bank >= kMicroBanks || !FetchPage(LinearRip(), page, ignored)) {
    return;
  }
  const u64 address = reinterpret_cast<u64>(page.host()) + LinearRip() % kPageSize;
  u64& last = hot_[(address ^ (address >> 12)) % hot_.size()];
  if (last == address) {
    PromoteLoop();
  }
  last = address;
}

void Engine::PromoteLoop() {
  MappedWindow window = MakeWindow();
  const u16 offset = OffsetInPage(static_cast<i64>(LinearRip()));
  const Block* const block = shared_.FindRegion(*this, mode_, window, offset);
  if (block == nullptr) {
    return;
  }
  FollowFlushes();
  context_.pc_base = state_.rip - LinearRip() % kPageSize;
  NotePages(*block, window);
  Remember(*block);
}

}  // namespace tandem::jit
