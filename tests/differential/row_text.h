#pragma once

#include <string>

#include "tests/differential/allowance.h"
#include "tests/differential/parties.h"

namespace tandem::cpu {

// The start, and what the host left, as a line of tests/rows. undefined: flags that may be
// anything.
std::string RowText(const Start& start, const CpuState& reset, const Ending& host,
                    std::span<const std::byte> host_data, u64 undefined);

}  // namespace tandem::cpu
