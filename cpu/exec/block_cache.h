#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "cpu/exec/block.h"
#include "cpu/mmu/mmu.h"

namespace tandem::cpu {

// The decoded blocks of one vCPU, by guest-physical address and mode. A block may go stale in two
// ways: the vCPU itself writes to its bytes (reported by the Mmu, at once), or somebody else does
// (other vCPUs, DMA), which Find's caller notices by comparing bytes at each entry. For blocks of one
// instruction the second way serves both, at first.
class BlockCache final : public CodeWatch {
 public:
  // mmu is told to drop its writable translations when a page first holds code.
  void SetMmu(Mmu& mmu) { mmu_ = &mmu; }

  Block* Find(Gpa start, BlockMode mode) const;
  Block* Insert(std::unique_ptr<Block> block);
  void Drop(Block& block);
  // Frees what has been dropped; no block may be running.
  void FreeDropped() {
    if (!dropped_.empty()) [[unlikely]] {
      dropped_.clear();
    }
  }

  // Counts up whenever a block is dropped.
  u64 epoch() const { return epoch_; }
  bool IsFull() const { return blocks_.size() >= kMaxBlocks; }
  void Clear();

  bool HoldsCode(Gpa page) const override;
  bool HoldsAnyCode(Gpa start, u64 length) const override;
  void OnCodeWritten(Gpa start, u64 length) override;

 private:
  struct Page {
    std::vector<Block*> blocks;  // with bytes there
    u32 quiet_writes = 0;        // since a block was inserted
  };
  using Pages = std::unordered_map<u64, Page>;
  static constexpr size_t kMaxBlocks = 32768;
  // As many writes show that the page is no longer one whose code is rewritten and run in turn.
  static constexpr u32 kQuietWrites = 64;

  static u64 KeyOf(Gpa start, BlockMode mode) {
    return start.value ^ (static_cast<u64>(mode.Key()) << 44);
  }
  static constexpr u64 kRegionSize = u64{1} << 21;

  void Index(Block& block);
  void Unindex(Block& block);
  void Unwatch(Pages::iterator page);
  bool RegionHoldsCode(u64 region, u64 first_page, u64 end_page) const;

  Mmu* mmu_ = nullptr;
  std::unordered_map<u64, std::unique_ptr<Block>> blocks_;
  Pages pages_;  // that are watched, by page number
  std::unordered_map<u64, u32> regions_;  // by 2 MiB region: how many of pages_ are there
  std::vector<std::unique_ptr<Block>> dropped_;
  u64 epoch_ = 0;
};

}  // namespace tandem::cpu
