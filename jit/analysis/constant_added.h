#pragma once

#include <optional>

#include "jit/unit/unit.h"

namespace tandem::jit {

// What an instruction adds to the register that its first operand names, if that is a constant and the
// register is word bytes wide.
std::optional<i64> ConstantAdded(const UnitInst& unit_inst, u8 word);

}  // namespace tandem::jit
