#pragma once

#include <Zydis/Zydis.h>

#include "cpu/decode/inst.h"

namespace tandem::cpu {

// Whether an opmask other than k0 governs the elements of an EVEX instruction.
bool IsMasked(const ZydisDecodedInstruction& from);

// The mask, and which parts of the memory operand it spares.
Masking MaskingOf(const ZydisDecodedInstruction& from, const ZydisDecodedOperand* operands);

}  // namespace tandem::cpu
