#pragma once

#include "base/ints.h"

namespace tandem::jit {

// A memory access of a guest instruction: of its operand, or of the stack.
struct AccessSite {
  i32 offset = 0;  // of the instruction, from the start of the unit's page
  bool is_stack = false;

  bool operator==(const AccessSite&) const = default;
};

}  // namespace tandem::jit
