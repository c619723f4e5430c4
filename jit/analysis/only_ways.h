#pragma once

#include <map>

#include "jit/unit/unit.h"

namespace tandem::jit {

// Leaders of a region that control comes to from one instruction only, and from which, as indexes.
// A loop that may have a copy of its own (FindFastLoops) counts as many.
using OnlyWays = std::map<size_t, size_t>;

OnlyWays FindOnlyWays(const Unit& unit);

}  // namespace tandem::jit
