#pragma once

#include "base/ints.h"

namespace tandem::cpu {

// SDM Vol. 1, 3.3.7.1: bits 63 down to the highest translated one are equal.
inline bool IsCanonical(u64 address, bool has_five_levels) {
  const unsigned shift = has_five_levels ? 7 : 16;
  return static_cast<u64>(static_cast<i64>(address << shift) >> shift) == address;
}

}  // namespace tandem::cpu
