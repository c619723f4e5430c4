#pragma once

#include "devices/irqchip/soft_irq_chip.h"

// How vCPUs and the memory and port maps reach a SoftIrqChip: each call takes its lock.
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

class SoftIrqChip::PicPorts final : public Device {
 public:
  PicPorts(SoftIrqChip& chip, u32 pic) : chip_(chip), pic_(pic) {}

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override {}

  SoftIrqChip& chip_;
  const u32 pic_;
};

class SoftIrqChip::ElcrPorts final : public Device {
 public:
  explicit ElcrPorts(SoftIrqChip& chip) : chip_(chip) {}

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override {}

  SoftIrqChip& chip_;
};

class SoftIrqChip::IoApicWindow final : public Device {
 public:
  explicit IoApicWindow(SoftIrqChip& chip) : chip_(chip) {}

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override {}

  SoftIrqChip& chip_;
};

}  // namespace tandem::devices
