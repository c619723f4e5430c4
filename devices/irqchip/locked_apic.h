#pragma once

#include "devices/irqchip/soft_irq_chip.h"

// How vCPUs reach the local APICs of a SoftIrqChip: each call takes its lock.
namespace tandem::devices {

class SoftIrqChip::LockedApic final : public LocalApic {
 public:
  LockedApic(SoftIrqChip& chip, VcpuId id) : chip_(chip), id_(id) {}

  u32 ReadRegister(u32 offset) override;
  void WriteRegister(u32 offset, u32 value) override;
  std::optional<u64> ReadMsr(u32 index) override;
  bool WriteMsr(u32 index, u64 value) override;
  u8 TaskPriority() const override;
  void SetTaskPriority(u8 priority_class) override;
  void Reset() override { chip_.ResetApic(id_); }

 private:
  ApicCore& core() const { return *chip_.cpus_[id_]->core; }

  SoftIrqChip& chip_;
  const VcpuId id_;
};

}  // namespace tandem::devices
