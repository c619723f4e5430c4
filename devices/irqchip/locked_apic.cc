#include "devices/irqchip/locked_apic.h"

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

}  // namespace tandem::devices
