#pragma once

#include <string>

#include "jit/unit/unit_mode.h"

namespace tandem::jit {

// What log lines say of a mode: "64-bit user", "16-bit real".
std::string ModeText(const UnitMode& mode);

}  // namespace tandem::jit
