#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "cpu/state/cpu_state.h"

namespace tandem::accel::kvm {

class Vm;

// What of a vCPU's state lies outside of CpuState.
struct LoadContext {
  std::optional<u64> apic_base;  // IA32_APIC_BASE of an APIC of ours; nothing: KVM's stays
  std::optional<u64> tsc;        // what the time-stamp counter is to read; nothing: it goes on
};

// Moves a vCPU's whole state between KVM and CpuState. On the vCPU's thread, or while it is parked,
// outside of KVM_RUN and with no instruction half done.
class StateAccess {
 public:
  // Finds out which registers this KVM has. The vCPU's CPUID has been set.
  StateAccess(int vcpu_fd, const Vm& vm);

  // Everything but activity, as KVM knows of it only with its own local APIC.
  void Save(cpu::CpuState& state, u64 clock_ns) const;
  // The error says which part KVM refused; then the vCPU holds neither state.
  Result<void> Load(const cpu::CpuState& state, const LoadContext& context);
  // The event that KVM would deliver next, of an exit that it queued it for, is no more.
  void DropException() const;

 private:
  // registers.cc
  void SaveRegisters(cpu::CpuState& state) const;
  bool LoadGeneral(const cpu::CpuState& state) const;
  bool LoadSystem(const cpu::CpuState& state, const std::optional<u64>& apic_base) const;
  // events.cc
  void SaveEvents(cpu::CpuState& state) const;
  bool LoadEvents(const cpu::CpuState& state) const;
  void SaveDebug(cpu::CpuState& state) const;
  bool LoadDebug(const cpu::CpuState& state) const;
  // extended_state.cc
  void SaveExtended(cpu::CpuState& state) const;
  bool LoadExtended(const cpu::CpuState& state) const;
  bool LoadControls(const cpu::CpuState& state) const;
  // msrs.cc
  void FindMsrs();
  void SaveMsrs(cpu::CpuState& state, u64 clock_ns) const;
  void LoadMsrs(const cpu::CpuState& state, const std::optional<u64>& tsc) const;

  static constexpr size_t kSmallestXsave = 4096;  // kvm_xsave, in C

  const int fd_;
  const bool has_sregs2_;
  const bool has_xsave2_;
  const size_t xsave_size_;
  const u64 xcr0_;  // components that KVM can hold
  std::vector<u32> msrs_;
};

}  // namespace tandem::accel::kvm
