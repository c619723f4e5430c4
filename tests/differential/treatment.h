#pragma once

#include "cpu/decode/inst.h"
#include "cpu/state/cpu_model.h"
#include "tests/rows/machine.h"

namespace tandem::cpu {

// Why an instruction is not run on the host, or what of its results is not compared.
enum class Native : u8 {
  kExact,       // all is compared
  kOtherValue,  // not the registers it writes: clocks, random numbers, what CPUID says
  kNever,       // it would enter the host's kernel, or show the host's own tables
};

Native NativeTreatmentOf(const Inst& inst);
// For a listing; "" where all is compared.
const char* ReasonOf(const Inst& inst);

// Whether a form of the listing is meant to be hit.
bool IsTestable(const Inst& inst, const CpuModel& model, MachineMode mode);

// Part of code that jumps forward and back, or ends in another state of the machine: not as one
// instruction among others of a sequence.
bool FitsSequence(const Inst& inst, const CpuModel& model);

// Flags that some processors leave as they were and the translator does not, having no meaning.
u32 UndefinedFlags(const Inst& inst);

bool IsString(Op op);
bool IsTransfer(Op op);  // of control
// Accesses memory by registers that are no operands, or a large area.
bool ReachesFar(Op op);

}  // namespace tandem::cpu
