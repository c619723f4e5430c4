#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "devices/irqchip/apic_core.h"
#include "devices/irqchip/pc_irq_chip.h"

namespace tandem::devices {

// All interrupt controllers in user space, with a local APIC per vCPU. CpuSignals is called with
// the lock held.
class SoftIrqChip final : public PcIrqChip {
 public:
  // Clock and signals outlive it.
  SoftIrqChip(u32 vcpus, Clock& clock, CpuSignals& signals);
  ~SoftIrqChip() override;

  void SendMsi(MsiMessage message) override;
  std::optional<u8> TakeVector(VcpuId vcpu) override;
  bool HasVector(VcpuId vcpu) const override { return cpus_[vcpu]->has_vector.load(); }
  LocalApic* Apic(VcpuId vcpu) override;
  void Reset() override;
  IrqState Save() const override;
  void Load(const IrqState& state) override;

  // What INIT does to a vCPU's local APIC.
  void ResetApic(VcpuId vcpu);

 private:
  class LockedApic;
  struct Cpu {
    std::unique_ptr<ApicCore> core;
    std::unique_ptr<LockedApic> front;
    std::atomic<bool> has_vector{false};
  };

  // ApicBus
  void Deliver(const ApicMessage& message) override;

  void OnPicChanged() override;
  void OnIoApicWritten() override {}
  void DeliverTo(VcpuId vcpu, const ApicMessage& message);
  void DeliverLowestPriority(const ApicMessage& message);
  void OnApicTimer(VcpuId vcpu);
  void Update(VcpuId vcpu);
  bool ExtIntPending(VcpuId vcpu) const;

  // Guarded by the chip's lock.
  CpuSignals& signals_;
  bool pic_output_ = false;
  u32 next_lowest_ = 0;  // where the search for a lowest-priority target starts
  std::vector<std::unique_ptr<Cpu>> cpus_;
};

}  // namespace tandem::devices
