#pragma once

#include "cpu/state/cpu_model.h"

namespace tandem::cpu {

// Family, model and stepping as CPUID 1 has them in EAX; EDX after RESET and INIT (SDM Vol. 3, table
// 9-1).
u32 Signature(const CpuModel& model);

}  // namespace tandem::cpu
