// CPUID under KVM. SDM Vol. 2, CPUID; AMD APM Vol. 3, appendix E; the kernel's
// Documentation/virt/kvm/x86/cpuid.rst for leaf 0x40000000.
#include "accel/kvm/cpuid.h"

#include <algorithm>

#include "accel/kvm/vm.h"
#include "base/bits.h"
#include "cpu/state/feature_bits.h"

namespace tandem::accel::kvm {
namespace {

using cpu::Feature;

constexpr u32 kHypervisor = 0x40000000;
constexpr u32 kTimingLeaf = 0x40000010;  // TSC and APIC timer in kHz, as other hypervisors have it
constexpr u32 kApicTimerKhz = 1'000'000;

bool HasSubleaves(u32 leaf) {
  return leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd || leaf == 0x1f || leaf == 0x8000001d;
}

// How many subleaves of the leaf there may be.
u32 SubleafCount(u32 leaf) {
  if (!HasSubleaves(leaf)) {
    return 1;
  }
  return leaf == 0xd ? 64 : leaf == 7 ? 2 : leaf == 4 || leaf == 0x8000001d ? 5 : 3;
}

bool IsEmpty(const cpu::CpuidResult& result) {
  return (result.eax | result.ebx | result.ecx | result.edx) == 0;
}

void AddRange(std::vector<kvm_cpuid_entry2>& entries, const CpuidAnswer& answer, u32 first,
              u32 last) {
  for (u32 leaf = first; leaf <= last; ++leaf) {
    for (u32 subleaf = 0; subleaf < SubleafCount(leaf); ++subleaf) {
      const cpu::CpuidResult result = answer(leaf, subleaf);
      // The end of a list of caches or levels tells that it is one, and is needed.
      if (leaf == 0xd && subleaf > 1 && IsEmpty(result)) {
        continue;
      }
      entries.push_back({.function = leaf,
                         .index = subleaf,
                         .flags = HasSubleaves(leaf) ? u32{KVM_CPUID_FLAG_SIGNIFCANT_INDEX} : 0,
                         .eax = result.eax,
                         .ebx = result.ebx,
                         .ecx = result.ecx,
                         .edx = result.edx,
                         .padding = {}});
    }
  }
}

// KVM's signature and its paravirtual features, so that guests find kvmclock.
void AddKvmLeaves(std::vector<kvm_cpuid_entry2>& entries, const Vm& vm, u32 tsc_khz) {
  for (kvm_cpuid_entry2 entry : vm.SupportedCpuid()) {
    if (entry.function < kHypervisor || entry.function >= kTimingLeaf) {
      continue;
    }
    entry.eax = entry.function == kHypervisor ? kTimingLeaf : entry.eax;
    entries.push_back(entry);
  }
  kvm_cpuid_entry2 timing{};
  timing.function = kTimingLeaf;
  timing.eax = tsc_khz;
  timing.ebx = kApicTimerKhz;
  entries.push_back(timing);
}

// The counter runs at the host's rate, not at that of our clock.
void CorrectTsc(kvm_cpuid_entry2& entry, u32 tsc_khz) {
  if (entry.function == 0x15) {
    entry.eax = entry.ebx = 1;
    entry.ecx = static_cast<u32>(std::min<u64>(u64{tsc_khz} * 1000, ~u32{0}));
  } else if (entry.function == 0x16) {
    entry.eax = entry.ebx = tsc_khz / 1000;
  }
}

// Guest-physical addresses that the host cannot translate would fault in strange ways.
void LimitAddressBits(kvm_cpuid_entry2& entry, const Vm& vm) {
  const u32 host_bits = vm.SupportedLeaf(0x80000008).eax & 0xff;
  if (entry.function == 0x80000008 && host_bits != 0 && (entry.eax & 0xff) > host_bits) {
    entry.eax = (entry.eax & ~0xffu) | host_bits;
  }
}

// -cpu host: flags of the host's that have no name here.
void AddUnnamedFlags(kvm_cpuid_entry2& entry, const Vm& vm) {
  constexpr u32 kVmxMonitorOsxsave = 1u << 5 | 1u << 3 | 1u << 27;  // leaf 1, ECX
  constexpr u32 kSvm = 1u << 2;                                     // leaf 0x80000001, ECX
  const u32 leaf = entry.function;
  const bool is_flags = leaf == 1 || leaf == 7 || leaf == 0x80000001;
  if (!is_flags && leaf != 0x80000008 && leaf != 0x80000021) {
    return;
  }
  kvm_cpuid_entry2 more = vm.SupportedLeaf(leaf, entry.index);
  for (const cpu::FeatureBit& row : cpu::kFeatureBits) {
    if (row.leaf == leaf && row.subleaf == entry.index) {
      cpu::RegisterOf(more, row.reg) &= ~(1u << row.bit);
    }
  }
  if (leaf == 1 || leaf == 0x80000001) {
    entry.ecx |= more.ecx & ~(leaf == 1 ? kVmxMonitorOsxsave : kSvm);
    entry.edx |= more.edx;
  } else if (leaf == 7) {
    entry.eax |= entry.index == 0 ? 0 : more.eax;
    entry.ebx |= more.ebx;
    entry.ecx |= more.ecx;
    entry.edx |= more.edx;
  } else if (leaf == 0x80000008) {
    entry.ebx |= more.ebx;
  } else {
    entry.eax |= more.eax;
  }
}

}  // namespace

// KVM reports the time-stamp counter's deadline apart, and leaves what user space emulates to us.
cpu::FeatureSet SupportedFeatures(const Vm& vm) {
  cpu::FeatureSet features;
  for (const cpu::FeatureBit& row : cpu::kFeatureBits) {
    kvm_cpuid_entry2 entry = vm.SupportedLeaf(row.leaf, row.subleaf);
    features.set(static_cast<size_t>(row.feature), Bit(cpu::RegisterOf(entry, row.reg), row.bit));
  }
  const bool has_apics = vm.options().irqchip != KernelIrqchip::kOff;
  const auto set = [&](Feature feature, bool on) {
    features.set(static_cast<size_t>(feature), on);
  };
  set(Feature::kHypervisor, true);
  set(Feature::kApic, true);
  set(Feature::kX2apic, has_apics && features.test(static_cast<size_t>(Feature::kX2apic)));
  set(Feature::kTscDeadline, has_apics && vm.Extension(KVM_CAP_TSC_DEADLINE_TIMER) > 0);
  set(Feature::kMonitor, false);
  return features;
}

std::vector<kvm_cpuid_entry2> MakeCpuid(const cpu::CpuModel& model, const CpuidAnswer& answer,
                                        const Vm& vm, u32 tsc_khz) {
  constexpr u32 kExtended = 0x80000000;
  std::vector<kvm_cpuid_entry2> entries;
  AddRange(entries, answer, 0, model.max_leaf);
  if (model.max_extended_leaf >= kExtended) {
    AddRange(entries, answer, kExtended, model.max_extended_leaf);
  }
  for (kvm_cpuid_entry2& entry : entries) {
    CorrectTsc(entry, tsc_khz);
    LimitAddressBits(entry, vm);
    if (model.is_host) {
      AddUnnamedFlags(entry, vm);
    }
  }
  if (model.Has(Feature::kHypervisor)) {
    AddKvmLeaves(entries, vm, tsc_khz);
  }
  return entries;
}

}  // namespace tandem::accel::kvm
