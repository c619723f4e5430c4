#pragma once

#include <functional>

#include "tests/differential/parties.h"

namespace tandem::cpu {

// Whether a start still shows the difference that is looked for.
using StillDiffers = std::function<bool(const Start&)>;

// Puts registers and memory back to what they are after a reset, as far as the difference stays;
// the stack moves into the data, which rows can describe.
Start ShrinkStart(Start start, const CpuState& reset, const StillDiffers& still_differs);

}  // namespace tandem::cpu
