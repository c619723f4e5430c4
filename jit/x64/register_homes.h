#pragma once

#include "jit/unit/unit.h"

namespace tandem::jit {

// The homes that suit a region: the registers it uses most have host registers, as far as no
// instruction wants a certain one.
Homes ChooseHomes(const Unit& unit);

}  // namespace tandem::jit
