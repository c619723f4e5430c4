#pragma once

#include "jit/unit/unit.h"

namespace tandem::jit {

// Arithmetic flags that an instruction needs to find, and those it is certain to overwrite.
struct FlagEffect {
  u32 needs = 0;
  u32 overwrites = 0;
};
FlagEffect FlagEffectOf(const UnitInst& unit_inst);

// For each instruction the arithmetic flags that may still be needed when it is done, given those
// that are needed after the last one.
std::vector<u32> LiveFlags(const Unit& unit, u32 live_at_end);

}  // namespace tandem::jit
