#pragma once

#include <array>
#include <optional>

#include "devices/irqchip/pc_irq_chip.h"

namespace tandem::devices {

// The 8259 pair and the I/O APIC in user space, in front of local APICs in the kernel.
class SplitIrqChip final : public PcIrqChip {
 public:
  // Both outlive it.
  SplitIrqChip(StatefulApics& apics, CpuSignals& signals);

  void SendMsi(MsiMessage message) override { apics_.SendMsi(message); }
  // The vectors of the 8259s, for the bootstrap processor; whether its APIC lets them through is
  // KVM's to know.
  std::optional<u8> TakeVector(VcpuId vcpu) override;
  bool HasVector(VcpuId vcpu) const override;
  LocalApic* Apic(VcpuId) override { return nullptr; }
  void Reset() override;
  IrqState Save() const override;
  void Load(const IrqState& state) override;

 private:
  void Deliver(const ApicMessage& message) override;
  void OnPicChanged() override;
  void OnIoApicWritten() override;

  StatefulApics& apics_;
  CpuSignals& signals_;
  // As the fabric was told. Guarded by the chip's lock, as pins are by it.
  std::array<std::optional<ApicMessage>, IoApic::kPins> told_{};
  bool pic_output_ = false;
};

}  // namespace tandem::devices
