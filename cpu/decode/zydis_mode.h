#pragma once

#include <Zydis/Zydis.h>

#include "cpu/decode/inst.h"

namespace tandem::cpu {

// A decoder for the mode. Making one is a few stores.
ZydisDecoder MakeZydisDecoder(DecodeMode mode);

}  // namespace tandem::cpu
