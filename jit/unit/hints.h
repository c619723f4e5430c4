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

// What was seen when code ran: of its accesses, and where it jumped to.
struct Hints {
  std::vector<AccessSite> wandering;  // go to many pages: cached runs serve them badly
  std::vector<AccessSite> apart;      // their groups often lie in two pages
  std::vector<i32> targets;           // of indirect jumps in a region, as offsets, ascending

  size_t sites() const { return wandering.size() + apart.size(); }
  bool empty() const { return sites() == 0 && targets.empty(); }
};

}  // namespace tandem::jit
