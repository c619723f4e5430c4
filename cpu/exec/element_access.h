#pragma once

#include "cpu/exec/operand.h"

// Memory operands of which a mask selects elements: the others are not accessed and cannot fault.
// Runs of selected neighbours are one access.
namespace tandem::cpu {

// Bit n of selected: element n, size bytes each.
struct Elements {
  u64 selected = 0;
  u32 size = 0;
};

// The elements of a memory operand that the instruction's opmask selects. Its masking has an
// element size. bytes: of the whole operand.
Elements SelectElements(const CpuState& state, const Masking& masking, u32 bytes);

// All false after setting Core::fault. Bytes of elements that are not selected stay as they are.
bool LoadElements(Core& core, const Step& step, const Elements& elements, u8* to);
// Whether StoreElements will succeed; done for all elements before the first is written.
bool ProbeElements(Core& core, const Step& step, const Elements& elements);
bool StoreElements(Core& core, const Step& step, const Elements& elements, const u8* from);

}  // namespace tandem::cpu
