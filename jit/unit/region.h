#pragma once

#include "jit/unit/unit.h"

namespace tandem::jit {

inline constexpr size_t kMaxRegionInsts = 256;

// Reads the loop that is entered at an offset of page 0: all found instructions that can come back to
// the entry, those of called functions apart. No instruction: there is no such loop within reach.
Unit ReadRegion(const UnitMode& mode, const cpu::CpuModel& model, CodeWindow& window, i64 offset);

}  // namespace tandem::jit
