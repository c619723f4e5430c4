#include "accel/lockstep/replayer.h"

namespace tandem::accel::lockstep {

using devices::AccessValue;

void ReplayingDevice::DoRead(u64 offset, std::span<std::byte> data) {
  const std::optional<u64> value =
      journal_.Replay({EventKind::kRead, static_cast<u8>(data.size()), number_, offset});
  devices::SetAccessValue(data, value.value_or(~u64{0}));
}

void ReplayingDevice::DoWrite(u64 offset, std::span<const std::byte> data) {
  (void)journal_.Replay(
      {EventKind::kWrite, static_cast<u8>(data.size()), number_, offset, AccessValue(data)});
}

u64 ReplayingClock::NowNs() const {
  return journal_.IsOpen() ? journal_.Replay({.kind = EventKind::kTime}).value_or(0) : 0;
}

u32 ReplayingApic::ReadRegister(u32 offset) {
  return static_cast<u32>(
      journal_.Replay({.kind = EventKind::kApicRead, .offset = offset}).value_or(0));
}

void ReplayingApic::WriteRegister(u32 offset, u32 value) {
  (void)journal_.Replay({.kind = EventKind::kApicWrite, .offset = offset, .value = value});
}

// Engines ask for the base on their own, too, when their state is set.
std::optional<u64> ReplayingApic::ReadMsr(u32 index) {
  constexpr u32 kBase = 0x1b;
  const bool is_own =
      index == kBase && !journal_.IsNext({.kind = EventKind::kApicMsrRead, .offset = kBase});
  if (!journal_.IsOpen() || is_own) {
    return apic_.ReadMsr(index);
  }
  const u64 value =
      journal_.Replay({.kind = EventKind::kApicMsrRead, .offset = index}).value_or(kNoValue);
  return value == kNoValue ? std::nullopt : std::optional(value);
}

bool ReplayingApic::WriteMsr(u32 index, u64 value) {
  (void)journal_.Replay({.kind = EventKind::kApicMsrWrite, .offset = index, .value = value});
  return journal_.Replay({.kind = EventKind::kApicMsrRead, .offset = index}).value_or(0) != 0;
}

u8 ReplayingApic::TaskPriority() const {
  if (is_stepped_) {
    return apic_.TaskPriority();
  }
  return static_cast<u8>(journal_.Replay({.kind = EventKind::kPriorityRead}).value_or(0));
}

void ReplayingApic::SetTaskPriority(u8 priority_class) {
  if (!is_stepped_) {
    (void)journal_.Replay({.kind = EventKind::kPriorityWrite, .value = priority_class});
  }
}

ReplayingIrqs::ReplayingIrqs(Journal& journal, devices::IrqChip& irqs, bool is_stepped) {
  if (devices::LocalApic* const apic = irqs.Apic(0)) {
    apic_ = std::make_unique<ReplayingApic>(journal, *apic, is_stepped);
  }
}

}  // namespace tandem::accel::lockstep
