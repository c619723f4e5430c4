#pragma once

#include "base/ints.h"

namespace tandem::cpu {

enum class AccessKind : u8 { kRead, kWrite, kExecute };

}  // namespace tandem::cpu
