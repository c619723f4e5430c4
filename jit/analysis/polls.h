#pragma once

#include "jit/unit/unit.h"

namespace tandem::jit {

// A jump backward within a unit, by the indexes of instructions.
struct BackwardJump {
  size_t from = 0;
  size_t to = 0;

  bool operator==(const BackwardJump&) const = default;
};

// Where a region must look for attention, so that no way round is without a look.
struct Polls {
  std::vector<BackwardJump> backward;
  std::vector<size_t> indirect;  // jumps, before they lead to places within the region

  bool operator==(const Polls&) const = default;
};

// Jumps out of the region look, too, and so do other units.
Polls FindPolls(const Unit& unit);

}  // namespace tandem::jit
