#pragma once

#include "base/bits.h"
#include "jit/unit/unit_mode.h"

namespace tandem::jit {

// Which guest registers live in CpuState while translated code runs: in 64-bit mode three more
// registers are needed than the host has, the guest's RSP, and two scratch registers.
inline constexpr u32 kMemoryRegisters = (1u << 11) | (1u << 14) | (1u << 15);

constexpr bool LivesInMemory(u8 guest_register) { return Bit(kMemoryRegisters, guest_register); }

}  // namespace tandem::jit
