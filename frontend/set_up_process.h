#pragma once

#include "base/result.h"
#include "frontend/config/command_line.h"

namespace tandem::frontend {

// What a command line changes in the process itself: its name, its log, hints on standard error.
// Before threads start.
Result<void> SetUpProcess(const Invocation& invocation);

}  // namespace tandem::frontend
