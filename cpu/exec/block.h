#pragma once

#include <array>
#include <memory>
#include <vector>

#include "cpu/exec/step.h"
#include "devices/bus/address.h"

namespace tandem::cpu {

// What decoded code depends on besides its bytes.
struct BlockMode {
  u8 code_bits = 16;        // 16, 32, 64
  u8 checked_segments = 0;  // bit SegReg: accesses need limit and type checks
  bool is_real = false;
  bool is_user = false;  // execute permission differs
  bool single = false;   // one instruction only

  bool operator==(const BlockMode&) const = default;
  u32 Key() const {
    return code_bits | (u32{checked_segments} << 8) | (u32{is_real} << 16) | (u32{is_user} << 17) |
           (u32{single} << 18);
  }
};

// A run of instructions that ends with a branch, a mode change or the end of its page. Only an
// instruction that itself crosses a page's end reaches into the next page; it is alone in its
// block.
struct Block {
  // Where execution went from here before, found again without a search: valid while the linear
  // address and Interpreter::Validity() are the same. Only to blocks of the same mode.
  struct Successor {
    u64 linear = ~u64{0};
    u64 validity = ~u64{0};
    Block* block = nullptr;
    const std::byte* host = nullptr;  // the successor's bytes
  };
  std::array<Successor, 2> successors{};

  Gpa start;
  BlockMode mode;
  std::vector<Step> steps;  // the last one leaves the block
  std::vector<Inst> insts;
  std::vector<u8> bytes;  // as they were decoded

  u32 count() const { return static_cast<u32>(insts.size()); }
  u64 PageOffset() const { return start.value % kPageSize; }
  bool CrossesPage() const { return PageOffset() + bytes.size() > kPageSize; }
  // Overwrites all steps so that a run in progress leaves before its next instruction.
  void MakeStale();
};

// What runs the instruction, which starts offset bytes after state.rip and outlives the step.
Step BindStep(const Inst& inst, BlockMode mode, u16 offset, const CpuModel& model);

// Decodes a block from code, which holds the bytes from start to the end of its page, and
// next_page, the bytes that follow (empty: not known). Null: the first instruction goes on beyond
// both.
std::unique_ptr<Block> BuildBlock(Gpa start, BlockMode mode, const CpuModel& model,
                                  std::span<const std::byte> code,
                                  std::span<const std::byte> next_page);

}  // namespace tandem::cpu
