#include "cpu/exec/block_cache.h"

#include <algorithm>

namespace tandem::cpu {

Block* BlockCache::Find(Gpa start, BlockMode mode) const {
  const auto it = blocks_.find(KeyOf(start, mode));
  return it == blocks_.end() ? nullptr : it->second.get();
}

// A block that crosses a page is watched on its first page only: its caller compares all its bytes
// at each entry, and it holds one instruction, so it cannot change itself.
void BlockCache::Index(Block& block) {
  const auto [page, is_new] = pages_.try_emplace(block.start.value / kPageSize);
  if (is_new) {
    ++regions_[block.start.value / kRegionSize];
    mmu_->DropWriteTags(block.start);
  }
  page->second.blocks.push_back(&block);
  page->second.quiet_writes = 0;
}

// The page stays watched for a while, as code that is rewritten comes again.
void BlockCache::Unindex(Block& block) {
  std::erase(pages_.find(block.start.value / kPageSize)->second.blocks, &block);
}

void BlockCache::Unwatch(Pages::iterator page) {
  const auto region = regions_.find(page->first * kPageSize / kRegionSize);
  pages_.erase(page);
  if (--region->second == 0) {
    regions_.erase(region);
  }
}

Block* BlockCache::Insert(std::unique_ptr<Block> block) {
  Block& inserted = *block;
  std::unique_ptr<Block>& slot = blocks_[KeyOf(inserted.start, inserted.mode)];
  CHECK(slot == nullptr);
  slot = std::move(block);
  Index(inserted);
  return &inserted;
}

void BlockCache::Drop(Block& block) {
  block.MakeStale();
  ++epoch_;
  Unindex(block);
  const auto it = blocks_.find(KeyOf(block.start, block.mode));
  dropped_.push_back(std::move(it->second));
  blocks_.erase(it);
}

void BlockCache::Clear() {
  blocks_.clear();
  pages_.clear();
  regions_.clear();
  dropped_.clear();
  ++epoch_;
}

bool BlockCache::HoldsCode(Gpa page) const { return pages_.contains(page.value / kPageSize); }

bool BlockCache::RegionHoldsCode(u64 region, u64 first_page, u64 end_page) const {
  if (!regions_.contains(region)) {
    return false;
  }
  constexpr u64 kPages = kRegionSize / kPageSize;
  const u64 end = std::min(end_page, (region + 1) * kPages);
  for (u64 page = std::max(first_page, region * kPages); page < end; ++page) {
    if (pages_.contains(page)) {
      return true;
    }
  }
  return false;
}

bool BlockCache::HoldsAnyCode(Gpa start, u64 length) const {
  const u64 end = start.value + length;
  for (u64 region = start.value / kRegionSize; region * kRegionSize < end; ++region) {
    if (RegionHoldsCode(region, start.value / kPageSize, end / kPageSize)) {
      return true;
    }
  }
  return false;
}

void BlockCache::OnCodeWritten(Gpa start, u64 length) {
  const auto page = pages_.find(start.value / kPageSize);
  if (page == pages_.end()) {
    return;
  }
  const bool is_quiet = ++page->second.quiet_writes >= kQuietWrites;
  if (is_quiet && page->second.blocks.empty()) {
    Unwatch(page);
    return;
  }
  const std::vector<Block*> blocks = page->second.blocks;
  for (Block* block : blocks) {
    const u64 from = block->start.value;
    const bool is_hit = from < start.value + length && start.value < from + block->bytes.size();
    if (is_hit && (is_quiet || !block->mode.single)) {
      Drop(*block);
    }
  }
}

}  // namespace tandem::cpu
