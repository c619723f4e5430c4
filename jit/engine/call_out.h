#pragma once

#include "cpu/exec/bound_inst.h"
#include "jit/unit/unit.h"

namespace tandem::jit {

// An instruction that translated code leaves to C++: decoded and bound once, when its unit is
// translated. Stands as long as the code that names it.
struct CallOut {
  CallOut(const UnitInst& unit_inst, const UnitMode& mode, const cpu::CpuModel& model);

  const cpu::BoundInst bound;
  const i32 offset;           // from the start of the unit's page
  const bool uses_x87_image;  // it works on the x87 state in CpuState
};

}  // namespace tandem::jit
