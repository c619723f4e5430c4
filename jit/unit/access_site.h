#pragma once

#include <vector>

#include "base/ints.h"

namespace tandem::jit {

// A memory access of a guest instruction: of its operand, or of the stack.
struct AccessSite {
  i32 offset = 0;  // of the instruction, from the start of the unit's page
  bool is_stack = false;

  bool operator==(const AccessSite&) const = default;
};

// What was seen of the accesses of a region.
struct AccessHints {
  std::vector<AccessSite> wandering;  // go to many pages: cached runs serve them badly
  std::vector<AccessSite> apart;      // their groups often lie in two pages

  size_t size() const { return wandering.size() + apart.size(); }
};

}  // namespace tandem::jit
