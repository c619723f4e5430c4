#pragma once

#include <functional>

#include "jit/unit/unit.h"

namespace tandem::jit {

// Arithmetic flags that an instruction needs to find, and those it is certain to overwrite.
struct FlagEffect {
  u32 needs = 0;
  u32 overwrites = 0;
};
FlagEffect FlagEffectOf(const UnitInst& unit_inst);

// Arithmetic flags that may still be needed before and after an instruction.
struct FlagLiveness {
  u32 before = 0;
  u32 after = 0;
};

// For each instruction. needed_at: what the code at an offset outside the unit may need; it may be
// asked more than once.
std::vector<FlagLiveness> LiveFlags(const Unit& unit, const std::function<u32(i64)>& needed_at);

// The arithmetic flags that straight code may need, instruction by instruction from its start.
class NeededFlags {
 public:
  // False: what stands behind the instruction does not matter.
  bool Add(const UnitInst& inst);
  u32 value() const { return needed_ | open_; }

 private:
  u32 open_ = static_cast<u32>(cpu::kArithFlags);  // neither read nor overwritten yet
  u32 needed_ = 0;
};

}  // namespace tandem::jit
