#pragma once

#include <cstddef>

#include "base/bits.h"
#include "cpu/state/cpu_state.h"

namespace tandem::tests {

inline constexpr u64 kFlatGdt = 0x4000;

// The descriptors of FlatState, at kFlatGdt of a guest's memory.
inline void PutFlatGdt(std::byte* memory) {
  constexpr u64 kNull = 0, kCode = 0x00cf9b000000ffff, kData = 0x00cf93000000ffff;
  StoreLe(memory + kFlatGdt, kNull);
  StoreLe(memory + kFlatGdt + 8, kCode);
  StoreLe(memory + kFlatGdt + 16, kData);
}

// A boot processor after reset, but at rip in protected mode of 32 bits with flat segments.
inline cpu::CpuState FlatState(u64 rip) {
  using cpu::SegReg;
  cpu::CpuState state;
  cpu::PowerOnReset(state, true);
  state.cr0 = cpu::kCr0Pe | cpu::kCr0Et;
  state.gdtr = {kFlatGdt, 23};
  state.idtr = {0, 0};
  for (const SegReg reg : {SegReg::kEs, SegReg::kSs, SegReg::kDs, SegReg::kFs, SegReg::kGs}) {
    state.Seg(reg) = {0, 0xffffffff, 16, 0xc093};
  }
  state.Seg(SegReg::kCs) = {0, 0xffffffff, 8, 0xc09b};
  state.rip = rip;
  return state;
}

}  // namespace tandem::tests
