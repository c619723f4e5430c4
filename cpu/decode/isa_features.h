#pragma once

#include <Zydis/Zydis.h>

#include "cpu/state/cpu_model.h"

namespace tandem::cpu {

// The CPUID flag that an instruction of this set needs; Feature::kCount where every processor of
// ours has it; nothing known about the set: false, the instruction is treated as undefined.
bool FeatureOfIsaSet(ZydisISASet set, Feature& feature);

// EVEX instructions of 16 and 32-byte vectors need AVX512VL besides.
bool NeedsAvx512vl(ZydisISASet set);

}  // namespace tandem::cpu
