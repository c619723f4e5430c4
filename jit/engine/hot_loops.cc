#include <utility>

#include "jit/engine/engine.h"

// Now and then the thread is asked where it is. It answers at its next poll, that is at the head of a
// loop. A loop that is met twice gets a region.
namespace tandem::jit {
namespace {

// Of one access between two samples, some milliseconds apart.
constexpr u64 kManyMisses = 20000;
constexpr u64 kManySplits = 50;

}  // namespace

void Engine::Sample() {
  is_sampled_ = false;
  ++counts_.samples;
  GuestPage page;
  cpu::Fault ignored;
  if (MayPassLimit() || mode_.bank >= kMicroBanks || !FetchPage(LinearRip(), page, ignored)) {
    return;
  }
  const u64 address = reinterpret_cast<u64>(page.host()) + LinearRip() % kPageSize;
  if (const Block* region = shared_.RegionAt({address, mode_.Key()})) {
    ReviseRegion(*region);
    return;
  }
  u64& last = hot_[(address ^ (address >> 12)) % hot_.size()];
  if (last == address) {
    MakeRegion({});
  }
  last = address;
}

// Accesses that often miss their cached run, as they go to many pages, ask the TLB instead; those
// whose group often lies in two pages are checked on their own.
void Engine::ReviseRegion(const Block& region) {
  MicroEntry* const runs = &context_.micro[0][0][0];
  AccessHints hints = region.hints;
  for (const RunSite& site : region.runs) {
    const u64 misses = std::exchange(runs[site.run].misses, 0);
    if (site.may_ask_tlb && misses >= kManyMisses) {
      hints.wandering.push_back(site.site);
    }
    if (std::exchange(runs[site.run].splits, 0) >= kManySplits) {
      hints.apart.push_back(site.site);
    }
  }
  if (hints.size() != region.hints.size()) {
    MakeRegion(std::move(hints));
  }
}

void Engine::MakeRegion(AccessHints hints) {
  MappedWindow window = MakeWindow();
  const u16 offset = OffsetInPage(static_cast<i64>(LinearRip()));
  const Block* const block =
      shared_.MakeRegion(*this, mode_, window, offset, std::move(hints));
  if (block == nullptr || mode_is_old_) {  // old: room was made
    return;
  }
  for (const RunSite& site : block->runs) {
    MicroEntry& run = (&context_.micro[0][0][0])[site.run];
    run.misses = run.splits = 0;
  }
  context_.pc_base = state_.rip - LinearRip() % kPageSize;
  NotePages(*block, window);
  Remember(*block);
}

}  // namespace tandem::jit
