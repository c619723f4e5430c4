#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"
#include "frontend/config/key_values.h"

namespace tandem::frontend {

struct Board;

// Calls add for each `-device driver` with its properties, which add takes and finishes.
Result<void> ForEachDevice(const Board& board, std::string_view driver,
                           const std::function<Result<void>(KeyValues&)>& add);

}  // namespace tandem::frontend
