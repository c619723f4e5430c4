#include "devices/irqchip/front_ends.h"

namespace tandem::devices {

u32 SoftIrqChip::LockedApic::ReadRegister(u32 offset) {
  MutexLock lock(chip_.mu_);
  const u32 value = core().ReadRegister(offset >> 4);
  chip_.Update(id_);  // an illegal register raises the error interrupt
  return value;
}

void SoftIrqChip::LockedApic::WriteRegister(u32 offset, u32 value) {
  MutexLock lock(chip_.mu_);
  core().WriteRegister(offset >> 4, value);
  chip_.Update(id_);
}

std::optional<u64> SoftIrqChip::LockedApic::ReadMsr(u32 index) {
  MutexLock lock(chip_.mu_);
  return core().ReadMsr(index);
}

bool SoftIrqChip::LockedApic::WriteMsr(u32 index, u64 value) {
  MutexLock lock(chip_.mu_);
  const bool ok = core().WriteMsr(index, value);
  chip_.Update(id_);
  return ok;
}

u8 SoftIrqChip::LockedApic::TaskPriority() const {
  MutexLock lock(chip_.mu_);
  return core().task_priority() >> 4;
}

void SoftIrqChip::LockedApic::SetTaskPriority(u8 priority_class) {
  MutexLock lock(chip_.mu_);
  core().SetTaskPriority(static_cast<u8>(priority_class << 4));
  chip_.Update(id_);
}

void SoftIrqChip::PicPorts::DoRead(u64 offset, std::span<std::byte> data) {
  MutexLock lock(chip_.mu_);
  u64 value = chip_.pic_.ReadPort(pic_, offset & 1);
  if (offset == 0 && data.size() > 1) {
    value |= u64{chip_.pic_.ReadPort(pic_, 1)} << 8;
  }
  SetAccessValue(data, value);
  chip_.OnPicChanged();
}

void SoftIrqChip::PicPorts::DoWrite(u64 offset, std::span<const std::byte> data) {
  MutexLock lock(chip_.mu_);
  for (size_t i = 0; i < data.size() && offset + i < kPortLength; ++i) {
    chip_.pic_.WritePort(pic_, static_cast<u32>(offset + i), static_cast<u8>(data[i]));
  }
  chip_.OnPicChanged();
}

void SoftIrqChip::ElcrPorts::DoRead(u64 offset, std::span<std::byte> data) {
  MutexLock lock(chip_.mu_);
  const u64 both = chip_.pic_.ReadElcr(0) | u64{chip_.pic_.ReadElcr(1)} << 8;
  SetAccessValue(data, both >> (8 * offset));
}

void SoftIrqChip::ElcrPorts::DoWrite(u64 offset, std::span<const std::byte> data) {
  MutexLock lock(chip_.mu_);
  for (size_t i = 0; i < data.size() && offset + i < kPortLength; ++i) {
    chip_.pic_.WriteElcr(static_cast<u32>(offset + i), static_cast<u8>(data[i]));
  }
  chip_.OnPicChanged();
}

void SoftIrqChip::IoApicWindow::DoRead(u64 offset, std::span<std::byte> data) {
  MutexLock lock(chip_.mu_);
  SetAccessValue(data, chip_.ioapic_.Read(static_cast<u32>(offset)));
}

void SoftIrqChip::IoApicWindow::DoWrite(u64 offset, std::span<const std::byte> data) {
  MutexLock lock(chip_.mu_);
  chip_.ioapic_.Write(static_cast<u32>(offset), static_cast<u32>(AccessValue(data)));
}

}  // namespace tandem::devices
