#pragma once

#include <vector>

#include "jit/analysis/access_plan.h"

namespace tandem::jit {

// Accesses of a loop through the same registers, which each time round lie `step` bytes further. One
// check before the loop covers many times round.
struct Stream {
  const AccessPlan* run = nullptr;  // a check in the loop, whose cached run or page it uses
  size_t inst = 0;                  // an instruction with an access of it
  u8 base = cpu::kNoRegister;       // at the head of the loop its bytes are
  u8 index = cpu::kNoRegister;      // base + (index << scale) + [low, high)
  u8 scale = 0;
  i64 low = 0;
  i64 high = 0;
  i64 step = 0;

  u32 size() const { return static_cast<u32>(high - low); }
  // Its only address is computed anew each time: AccessForm::kAny.
  bool is_fixed() const { return run->form == AccessForm::kAny; }
};

// A loop of one basic block, out of which conditional jumps may lead, whose accesses all go where can
// be told before.
struct FastLoop {
  size_t head = 0;  // indices of instructions
  size_t tail = 0;  // the conditional jump back
  std::vector<Stream> streams;
  std::vector<size_t> stream_of;  // of each instruction's access, from the head on; kNoStream
  std::vector<u8> unused;         // guest registers with a host register that the loop has no part in

  static constexpr size_t kNoStream = ~size_t{0};
};

// The most bytes that a stream may go on by each time round.
inline constexpr i64 kMaxStreamStep = 512;

// All of a region in 64-bit mode.
std::vector<FastLoop> FindFastLoops(const Unit& unit, const std::vector<InstAccesses>& accesses);

}  // namespace tandem::jit
