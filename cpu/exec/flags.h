#pragma once

#include "cpu/exec/step.h"

// The host computes flags exactly as the guest's processor does, undefined ones included: executors
// run the same instruction in inline assembly and read the flags with LAHF and SETO.
namespace tandem::cpu {

// AX after `lahf; seto %al`.
constexpr u64 FlagsFromAx(u32 ax) {
  return ((ax >> 8) & (kFlagCf | kFlagPf | kFlagAf | kFlagZf | kFlagSf)) | ((ax & 1) << 11);
}
// The AX from which `addb $127, %al; sahf` sets the host's flags.
constexpr u32 AxFromFlags(u64 rflags) {
  return static_cast<u32>(((rflags & 0xd5) << 8) | ((rflags >> 11) & 1));
}

inline void SetArithFlags(Core& core, u64 flags, u64 mask = kArithFlags) {
  core.state.rflags = (core.state.rflags & ~mask) | (flags & mask);
}

// SDM Vol. 1, appendix B: the condition codes of Jcc, SETcc and CMOVcc.
inline bool ConditionHolds(u64 rflags, u8 condition) {
  bool holds = false;
  const bool less = ((rflags >> 7) ^ (rflags >> 11)) & 1;
  switch (condition >> 1) {
    case 0:
      holds = (rflags & kFlagOf) != 0;
      break;
    case 1:
      holds = (rflags & kFlagCf) != 0;
      break;
    case 2:
      holds = (rflags & kFlagZf) != 0;
      break;
    case 3:
      holds = (rflags & (kFlagCf | kFlagZf)) != 0;
      break;
    case 4:
      holds = (rflags & kFlagSf) != 0;
      break;
    case 5:
      holds = (rflags & kFlagPf) != 0;
      break;
    case 6:
      holds = less;
      break;
    default:
      holds = less || (rflags & kFlagZf) != 0;
      break;
  }
  return holds != ((condition & 1) != 0);
}

}  // namespace tandem::cpu
