#pragma once

#include "cpu/decode/inst.h"
#include "cpu/state/cpu_state.h"
#include "cpu/state/fault.h"

namespace tandem::cpu {

// Whether the x87, MMX, SSE, AVX or AVX-512 unit that an instruction belongs to may be used now:
// #UD, #NM, or #MF for an x87 exception that is pending. SDM Vol. 3, 2.5 and Vol. 2, 2.4.
Fault CheckUnit(const CpuState& state, const Inst& inst);

// The opcode byte after legacy and REX prefixes, and its ModRM byte.
struct X87Opcode {
  u8 opcode = 0, modrm = 0;
};
X87Opcode X87OpcodeOf(const Inst& inst);

}  // namespace tandem::cpu
