#pragma once

#include <vector>

#include "tests/differential/form.h"

namespace tandem::cpu {

// Bytes that may or may not be an instruction: prefixes and opcode in all proportions, wrong bits
// among them.
std::vector<u8> RandomBytes(Random& random, Choice choice);

}  // namespace tandem::cpu
