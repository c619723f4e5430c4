#pragma once

#include "jit/unit/unit.h"

namespace tandem::jit {

// A jump backward within a unit, by the indexes of instructions.
struct BackwardJump {
  size_t from = 0;
  size_t to = 0;

  bool operator==(const BackwardJump&) const = default;
};

// The jumps backward within a region at which it must look for attention, so that no way round is
// without a look. Those out of the region look, too, and so do indirect jumps and other units.
std::vector<BackwardJump> FindPolls(const Unit& unit);

}  // namespace tandem::jit
