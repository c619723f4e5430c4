#pragma once

#include <atomic>

#include "accel/api/accelerator.h"
#include "accel/kvm/cpuid.h"
#include "cpu/exec/interpreter.h"

namespace tandem::accel::kvm {

// Stands in for a local APIC in the kernel: only notes that it was asked for.
class FencedApic final : public devices::LocalApic {
 public:
  u32 ReadRegister(u32) override { return Touch(); }
  void WriteRegister(u32, u32) override { Touch(); }
  std::optional<u64> ReadMsr(u32 index) override;
  bool WriteMsr(u32, u64) override { return Touch() == 0; }
  u8 TaskPriority() const override { return static_cast<u8>(Touch()); }
  void SetTaskPriority(u8) override { Touch(); }
  void Reset() override { Touch(); }

  bool TakeTouched() { return std::exchange(is_touched_, false); }

 private:
  u32 Touch() const {
    is_touched_ = true;
    return 0;
  }

  mutable bool is_touched_ = false;
};

// Our interpreter as KVM's safety net: executes what KVM cannot. vCPU thread only.
class Rescue {
 public:
  // The model, but with all instructions of user code that the interpreter has. irqs without an
  // APIC for the vCPU: it is in the kernel.
  Rescue(devices::VcpuId id, const cpu::CpuModel& model, const VcpuEnv& env);

  // Executes from state on, at least one instruction; more, up to limit, while KVM would do the
  // same and nobody sets attention. How many were done: 0 if the first needs the kernel's APIC.
  u64 Execute(cpu::CpuState& state, u64 limit, const std::atomic<u32>& attention);

  // The instruction at state.rip, for messages: its bytes and its text.
  std::string Describe(const cpu::CpuState& state);
  u64 executed() const { return executed_; }

 private:
  // One instruction, which is undone if it reaches for the kernel's APIC.
  bool ExecuteOne();
  bool KvmIsToDoNext();
  size_t PeekCode(std::span<std::byte> bytes);

  cpu::CpuModel model_;
  cpu::CpuState state_;
  cpu::CpuState before_;
  FencedApic fence_;
  cpu::Interpreter interpreter_;
  u64 executed_ = 0;
};

// What CPUID answers on our own engines. For a vCPU that is about to be made.
CpuidAnswer OurCpuid(devices::VcpuId id, const cpu::CpuModel& model, const VcpuEnv& env);

}  // namespace tandem::accel::kvm
