#include <algorithm>
#include <utility>

#include "jit/engine/engine.h"
#include "jit/unit/region.h"

// Now and then the thread is asked where it is. It answers at its next poll, that is at the head of a
// loop. A loop that is met twice gets a region.
namespace tandem::jit {
namespace {

// Between two samples, some milliseconds apart.
constexpr u64 kManyMisses = 4000;
constexpr u64 kManySplits = 50;
constexpr u64 kManyAliasFills = 1500;

}  // namespace

void Engine::Sample() {
  is_sampled_ = false;
  ++counts_.samples;
  ServeAliasClaim();
  MappedWindow window = MakeWindow();
  if (MayPassLimit() || mode_.bank >= kMicroBanks || window.At(0) == nullptr) {
    return;
  }
  const u64 address = window.At(0)->host() + LinearRip() % kPageSize;
  u64& last = hot_[(address ^ (address >> 12)) % hot_.size()];
  if (last == address && shared_.RegionAt({address, mode_key_}) == nullptr) {
    Remake(true, {});
  }
  last = address;
  for (u32 i = 0; i < context_.micro_used_count; ++i) {
    MicroEntry& run = (&context_.micro[0][0][0])[context_.micro_used[i]];
    run.misses = run.splits = run.alias_fills = 0;
  }
}

// Whether the access that missed should be checked in another way from now on. While an alias is to be
// had soon it waits.
bool Engine::IsWorthRevising(MissRecord record) const {
  const MicroEntry& run = RunOf(record);
  const bool misses = run.misses >= kManyMisses && !has_early_claim_;
  return !record.asks_tlb &&
         (misses || run.splits >= kManySplits || run.alias_fills >= kManyAliasFills);
}

// Accesses that often miss their cached run, as they go to many places, ask the TLB instead; those
// whose group often lies in two pages are checked on their own. code: in the block with the access.
void Engine::Revise(const u8* code, MissRecord record) {
  MicroEntry& run = RunOf(record);
  const AccessSite site{record.site.offset, record.is_stack};
  const Block* const block = shared_.BlockAt(code);
  const bool is_split = std::exchange(run.splits, 0) >= kManySplits;
  run.misses = run.alias_fills = 0;
  if (block == nullptr || block->key.mode != mode_key_) {
    return;
  }
  Hints hints = block->hints();
  std::vector<AccessSite>& sites = is_split ? hints.apart : hints.wandering;
  if (std::find(sites.begin(), sites.end(), site) != sites.end()) {
    return;
  }
  sites.push_back(site);
  const u64 rip = std::exchange(
      state_.rip, RipAt(OffsetInPage(static_cast<i64>(block->key.address))));
  Remake(block->is_region, std::move(hints));
  state_.rip = rip;
}

// Adds where indirect jumps went to lately, around a place in the page of RIP.
void Engine::AddTargetsAround(i32 offset, std::vector<i32>& targets) const {
  const u64 page = state_.rip - LinearRip() % kPageSize;
  for (i64 at = offset - kRegionReach; at < offset + kRegionReach; ++at) {
    const u64 rip = page + static_cast<u64>(at);
    if (context_.branches[rip % kBranchEntries].tag == (rip ^ context_.branch_salt)) {
      targets.push_back(static_cast<i32>(at));
    }
  }
  std::ranges::sort(targets);
  targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
}

// The block at RIP is made anew.
void Engine::Remake(bool as_region, Hints hints) {
  MappedWindow window = MakeWindow();
  if (window.At(0) == nullptr) {
    return;
  }
  const u16 offset = OffsetInPage(static_cast<i64>(LinearRip()));
  if (as_region) {
    AddTargetsAround(offset, hints.targets);
  }
  const Block* const block =
      shared_.Remake(*this, mode_, window, offset, as_region, std::move(hints));
  if (block == nullptr || mode_is_old_) {  // old: room was made
    return;
  }
  context_.pc_base = state_.rip - LinearRip() % kPageSize;
  NotePages(*block, window);
  Remember(*block);
}

}  // namespace tandem::jit
