#pragma once

#include "cpu/event/context.h"

namespace tandem::cpu {

// CPUID leaves but for the feature flags of features.inc. Used within this room only.
inline constexpr u32 kNoLeaf = ~u32{0};

CpuidResult BasicLeaf(const Context& context, u32 leaf, u32 subleaf);
CpuidResult ExtendedLeaf(const Context& context, u32 leaf, u32 subleaf);
CpuidResult HypervisorLeaf(u32 leaf);
// Caches as leaf 4 and, for AMD, leaf 0x8000001d describe them.
CpuidResult CacheLeaf(const CpuModel& model, u32 subleaf);
// Leaves 0xb and 0x1f.
CpuidResult TopologyLeaf(const Context& context, u32 subleaf);

// The bits that follow CR4 and IA32_APIC_BASE.
void AddDynamicFeatures(const Context& context, u32 leaf, u32 subleaf, CpuidResult& result);

// Four bytes each of a text, as CPUID spells it.
u32 FourCharacters(const std::string& text, size_t from);

}  // namespace tandem::cpu
