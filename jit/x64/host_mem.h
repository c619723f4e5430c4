#pragma once

#include <cstring>

#include "base/ints.h"

namespace tandem::jit {

inline constexpr u8 kNoIndex = 0xff;

// A host memory operand in 64-bit addressing: [base + (index << scale) + displacement].
struct HostMem {
  u8 base = 0;
  u8 index = kNoIndex;
  u8 scale = 0;
  i32 displacement = 0;

  // REX.X and REX.B, or what stands for them in VEX and EVEX.
  constexpr u8 rex() const {
    return static_cast<u8>((base >= 8 ? 1 : 0) | (index != kNoIndex && index >= 8 ? 2 : 0));
  }
};

// Writes ModRM, SIB and displacement of an instruction; returns their end. allows_short: a
// displacement of 8 bits means itself.
inline u8* PutMemory(u8* out, unsigned reg, const HostMem& mem, bool allows_short = true) {
  const bool is_short = mem.displacement == static_cast<i8>(mem.displacement) && allows_short;
  const bool has_none = mem.displacement == 0 && (mem.base & 7) != 5;
  const unsigned mod = has_none ? 0 : is_short ? 1 : 2;
  const bool has_sib = mem.index != kNoIndex || (mem.base & 7) == 4;
  *out++ = static_cast<u8>(mod << 6 | (reg & 7) << 3 | (has_sib ? 4 : mem.base & 7));
  if (has_sib) {
    const unsigned index = mem.index != kNoIndex ? mem.index & 7 : 4;
    *out++ = static_cast<u8>(mem.scale << 6 | index << 3 | (mem.base & 7));
  }
  std::memcpy(out, &mem.displacement, sizeof mem.displacement);
  return out + (mod == 0 ? 0 : mod == 1 ? 1 : 4);
}

}  // namespace tandem::jit
