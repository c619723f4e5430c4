#pragma once

#include <span>

#include "tests/differential/single.h"

namespace tandem::cpu {

// Writes memory of every party of a test alike.
class MemoryWriter {
 public:
  virtual void Write(u64 linear, std::span<const u8> bytes) = 0;

 protected:
  ~MemoryWriter() = default;
};

// Where an instruction's memory operand was put, and how many bytes count: for a quick look.
struct Window {
  u64 start = 0;
  u64 size = 0;
};

// Random values for all registers of a state that was reset, odd ones among them for those that the
// instruction reads; then its addresses so that it reaches data, stack or their edges, and what it
// must find there. The values of the others are from the pool.
Window FillInputs(Random& random, const ValuePool& pool, const Single& single, CpuState& state,
                  MemoryWriter& memory);

// GPRs, vectors and flags.
void FillRegisters(Random& random, const ValuePool& pool, CpuState& state);
void FillX87(Random& random, FxImage& fx);

}  // namespace tandem::cpu
