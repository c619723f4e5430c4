#pragma once

#include <Zydis/Zydis.h>

#include "cpu/decode/inst.h"

namespace tandem::cpu {

// The state that the host needs to execute a data instruction. kNone: it may not run on the host,
// because it is none of those known to touch nothing but registers and its memory operand.
HostClass HostClassOf(const ZydisDecodedInstruction& from, const ZydisDecodedOperand* operands);

// Whether MXCSR's rounding and masks matter and its flags may be set.
bool UsesMxcsr(const ZydisDecodedInstruction& from, const ZydisDecodedOperand* operands);

// Whether it reads MXCSR's modes alone: no flag is ever set, no exception raised.
bool NeverRaisesXm(const ZydisDecodedInstruction& from);

}  // namespace tandem::cpu
