#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "devices/bus/ram_block.h"

namespace tandem::accel::lockstep {

// Bytes of one memory block.
struct RamSpan {
  u32 ram = 0;  // number of the block
  u64 offset = 0;
  u64 length = 0;
};

// Each memory block of the machine three times: the machine's own, which the master writes to; the
// replica's; and how both were when the engines agreed last. Tells what the replica writes.
class RamCopies final : private devices::CodeObserver {
 public:
  struct Block {
    std::shared_ptr<devices::RamBlock> original, replica, agreed;
  };

  // logs_writes: the replica's writes go through the Mmu and are told one by one; otherwise all
  // memory is looked at each time.
  explicit RamCopies(bool logs_writes) : logs_writes_(logs_writes) {}
  ~RamCopies() override;

  // The copies of a block, made at its first mention.
  const Block& Of(const std::shared_ptr<devices::RamBlock>& original);
  // The number of a block that Of has been asked for; also of the replica's.
  u32 NumberOf(const devices::RamBlock& ram) const { return numbers_.at(&ram); }
  const Block& block(u32 number) const { return *blocks_[number]; }

  // The copies become what the originals are.
  void TakeAll();
  // Likewise a few bytes.
  void Take(const RamSpan& span);

  // What the replica wrote since the engines agreed.
  const std::vector<RamSpan>& written() const { return written_; }
  // The first of these bytes that the master has otherwise.
  std::optional<RamSpan> FindDifference() const;
  // The first difference anywhere, with how many bytes of its page differ.
  std::optional<RamSpan> FindDifferenceAnywhere() const;
  // The engines agree.
  void Settle();
  // The replica's memory becomes what it was when they did.
  void Rewind();

  // What was agreed on becomes what it was, after another engine has worked on it: the replica,
  // rewound, has it. No engine keeps code of it any more.
  void RestoreAgreed();

  static bool IsSame(const devices::RamBlock& a, const devices::RamBlock& b, const RamSpan& span);

 private:
  using Copy = std::shared_ptr<devices::RamBlock> Block::*;
  void OnCodeWritten(devices::RamBlock& ram, u64 offset, u64 length) override;
  void CopyWritten(Copy to, Copy from);

  const bool logs_writes_;
  std::map<const devices::RamBlock*, u32> numbers_;  // of originals and of the replica's
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<RamSpan> written_;
};

}  // namespace tandem::accel::lockstep
