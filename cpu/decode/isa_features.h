#pragma once

#include <Zydis/Zydis.h>

#include "cpu/state/cpu_model.h"

namespace tandem::cpu {

// The CPUID flag that an instruction of this set needs; Feature::kCount where every processor of
// ours has it; nothing known about the set: false, the instruction is treated as undefined.
bool FeatureOfIsaSet(ZydisISASet set, Feature& feature);

}  // namespace tandem::cpu
