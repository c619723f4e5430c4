#pragma once

#include <vector>

#include "cpu/state/cpu_model.h"
#include "cpu/state/cpu_state.h"
#include "tests/differential/inputs.h"

namespace tandem::cpu {

// One instruction of a sequence.
struct Piece {
  std::vector<u8> bytes;  // of a jump: its opcode, short or near
  int target = -1;        // of a jump: the piece it leads to, or the number of pieces; else -1
  // A 32-bit displacement relative to RIP lies here and is to reach `address`.
  u8 relative_at = 0;
  u64 address = 0;
};

// A few instructions with forward jumps, loops and calls, for user mode.
struct Sequence {
  u32 offset = 0;  // in the code area; a jump leads there
  std::vector<Piece> pieces;
  u32 data_registers = 0;  // bit n: Gpr n holds no address and no count
};

std::vector<u8> Assemble(const Sequence& sequence);
// Jumps to the missing piece lead to the one after it.
Sequence Without(const Sequence& sequence, size_t piece);

// Fills the registers of a state that was reset, too: some point into the data or the stack and
// keep doing so.
Sequence MakeSequence(Random& random, const ValuePool& pool, const CpuModel& model,
                      CpuState& state);
// Other values for registers that hold no address, vectors and flags.
void RefillData(Random& random, const ValuePool& pool, const Sequence& sequence, CpuState& state);

}  // namespace tandem::cpu
