#pragma once

#include "base/ints.h"
#include "cpu/state/cpu_state.h"

namespace tandem::cpu {

// What the host's registers become, known to emitted code by absolute addresses.
struct NativeArea {
  u64 gpr[16];
  u64 rflags;
  u64 gs_base;
  u64 host_gs_base;
  u64 host_rsp;
  u32 host_mxcsr;
  u32 start_offset;  // a far pointer
  u16 start_selector;
  u16 host_stack_selector;
  u16 selectors[6];  // by SegReg; those of CS and FS are not used
  alignas(64) FxImage fx;
  alignas(64) VectorState vec;
};

inline constexpr u64 kNativeEnter = 0x10100000, kNativeEnterNarrow = 0x10100800;
inline constexpr u64 kNativeLeave = 0x10101000;
inline constexpr u64 kNativeArea = 0x10102000, kNativeEnd = 0x10104000;

inline NativeArea& TheNativeArea() { return *reinterpret_cast<NativeArea*>(kNativeArea); }

// Puts the code at these addresses: Enter loads all registers from the area and jumps to the code,
// Leave is where that one ends, and stores them; it is 64-bit code. EnterNarrow starts code of
// another size, by a far jump.
void EmitNativeStubs();

bool HostHasAvx();

}  // namespace tandem::cpu
