#pragma once

#include <linux/kvm.h>

#include <functional>
#include <vector>

#include "cpu/state/cpu_model.h"

namespace tandem::accel::kvm {

class Vm;

// The features that a guest of this KVM can have, in terms of ours.
cpu::FeatureSet SupportedFeatures(const Vm& vm);

// What CPUID answers for a vCPU of ours: leaf and subleaf.
using CpuidAnswer = std::function<cpu::CpuidResult(u32 leaf, u32 subleaf)>;

// The table for KVM_SET_CPUID2: what our engines answer, with KVM's own leaves and what follows the
// host's processor.
std::vector<kvm_cpuid_entry2> MakeCpuid(const cpu::CpuModel& model, const CpuidAnswer& answer,
                                        const Vm& vm, u32 tsc_khz);

}  // namespace tandem::accel::kvm
