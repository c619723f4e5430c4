#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "devices/bus/device.h"
#include "devices/bus/irq.h"
#include "devices/irqchip/apic_core.h"
#include "devices/irqchip/ioapic.h"
#include "devices/irqchip/pic.h"

namespace tandem::devices {

// The 8259 pair, an I/O APIC and a local APIC per vCPU, in user space, under one lock. ISA
// interrupt n drives 8259 input n and I/O APIC pin n, but the timer's (0) drives pin 2. CpuSignals
// is called with the lock held.
class SoftIrqChip final : public IrqChip, private ApicBus {
 public:
  static constexpr u64 kMasterPort = 0x20;
  static constexpr u64 kSlavePort = 0xa0;
  static constexpr u64 kElcrPort = 0x4d0;
  static constexpr u64 kPortLength = 2;  // of each of the three

  // Clock and signals outlive it.
  SoftIrqChip(u32 vcpus, Clock& clock, CpuSignals& signals);
  ~SoftIrqChip() override;

  void SetLine(Gsi gsi, bool level) override;
  void SendMsi(MsiMessage message) override;
  std::optional<u8> TakeVector(VcpuId vcpu) override;
  bool HasVector(VcpuId vcpu) const override { return cpus_[vcpu]->has_vector.load(); }
  LocalApic* Apic(VcpuId vcpu) override;

  // All controllers to power-on state; the vCPUs stand still.
  void Reset();
  // What INIT does to a vCPU's local APIC.
  void ResetApic(VcpuId vcpu);

  // To be mapped by the machine; they must not be used after the chip is gone.
  std::shared_ptr<Device> MakeMasterPorts();
  std::shared_ptr<Device> MakeSlavePorts();
  std::shared_ptr<Device> MakeElcrPorts();
  std::shared_ptr<Device> MakeIoApicWindow();  // IoApic::kBase, IoApic::kLength

 private:
  class LockedApic;
  class PicPorts;
  class ElcrPorts;
  class IoApicWindow;
  struct Cpu {
    std::unique_ptr<ApicCore> core;
    std::unique_ptr<LockedApic> front;
    std::atomic<bool> has_vector{false};
  };

  // ApicBus
  void Deliver(const ApicMessage& message) override;
  void EndOfInterrupt(u8 vector) override { ioapic_.EndOfInterrupt(vector); }

  void DeliverTo(VcpuId vcpu, const ApicMessage& message);
  void DeliverLowestPriority(const ApicMessage& message);
  void OnApicTimer(VcpuId vcpu);
  void OnPicChanged();
  void Update(VcpuId vcpu);
  bool ExtIntPending(VcpuId vcpu) const;

  mutable Mutex mu_{LockRank::kIrqChip};  // guards all below
  CpuSignals& signals_;
  PicPair pic_;
  IoApic ioapic_{*this};
  bool pic_output_ = false;
  u32 next_lowest_ = 0;  // where the search for a lowest-priority target starts
  std::vector<std::unique_ptr<Cpu>> cpus_;
};

}  // namespace tandem::devices
