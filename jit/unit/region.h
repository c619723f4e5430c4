#pragma once

#include "jit/unit/unit.h"

namespace tandem::jit {

inline constexpr size_t kMaxRegionInsts = 256;
inline constexpr i64 kRegionReach = kPageBytes;  // to either side of the entry

// What belongs to a region.
enum class RegionKind : u8 {
  kLoop,        // all found instructions that can come back to the entry
  kEverything,  // and those that cannot: for tests, which have few loops
};

// Reads the region that is entered at an offset of page 0, called functions apart. hints.targets: where
// its indirect jumps may lead. No instruction: there is no such loop within reach.
Unit ReadRegion(const UnitMode& mode, const cpu::CpuModel& model, CodeWindow& window, i64 offset,
                RegionKind kind = RegionKind::kLoop, Hints hints = {});

}  // namespace tandem::jit
