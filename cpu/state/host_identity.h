#pragma once

#include "cpu/state/cpu_model.h"

namespace tandem::cpu {

// Vendor, brand, family, model, stepping, address bits and highest leaves: those of the host.
void TakeHostIdentity(CpuModel& model);

}  // namespace tandem::cpu
