#include "accel/lockstep/recorder.h"

namespace tandem::accel::lockstep {

using devices::AccessValue;

void RecordingDevice::DoRead(u64 offset, std::span<std::byte> data) {
  device_->Read(offset, data);
  if (journal_.IsOpen()) {
    journal_.Record(
        {EventKind::kRead, static_cast<u8>(data.size()), number_, offset, AccessValue(data)});
    after_access_();
  }
}

void RecordingDevice::DoWrite(u64 offset, std::span<const std::byte> data) {
  if (journal_.IsOpen()) {
    journal_.Record(
        {EventKind::kWrite, static_cast<u8>(data.size()), number_, offset, AccessValue(data)});
  }
  device_->Write(offset, data);
  if (journal_.IsOpen()) {
    after_access_();
  }
}

u64 RecordingClock::NowNs() const {
  const u64 now = clock_.NowNs();
  if (journal_.IsOpen()) {
    journal_.Record({.kind = EventKind::kTime, .value = now});
  }
  return now;
}

void RecordingApic::Record(Event event) const {
  if (journal_.IsOpen()) {
    journal_.Record(std::move(event));
  }
}

u32 RecordingApic::ReadRegister(u32 offset) {
  const u32 value = apic_.ReadRegister(offset);
  Record({.kind = EventKind::kApicRead, .offset = offset, .value = value});
  return value;
}

void RecordingApic::WriteRegister(u32 offset, u32 value) {
  Record({.kind = EventKind::kApicWrite, .offset = offset, .value = value});
  apic_.WriteRegister(offset, value);
}

std::optional<u64> RecordingApic::ReadMsr(u32 index) {
  const std::optional<u64> value = apic_.ReadMsr(index);
  Record({.kind = EventKind::kApicMsrRead, .offset = index, .value = value.value_or(kNoValue)});
  return value;
}

bool RecordingApic::WriteMsr(u32 index, u64 value) {
  Record({.kind = EventKind::kApicMsrWrite, .offset = index, .value = value});
  const bool is_good = apic_.WriteMsr(index, value);
  Record({.kind = EventKind::kApicMsrRead, .offset = index, .value = is_good});
  return is_good;
}

u8 RecordingApic::TaskPriority() const {
  const u8 value = apic_.TaskPriority();
  if (!is_stepped_) {
    Record({.kind = EventKind::kPriorityRead, .value = value});
  }
  return value;
}

void RecordingApic::SetTaskPriority(u8 priority_class) {
  if (!is_stepped_) {
    Record({.kind = EventKind::kPriorityWrite, .value = priority_class});
  }
  apic_.SetTaskPriority(priority_class);
}

RecordingIrqs::RecordingIrqs(Journal& journal, devices::IrqChip& irqs, bool is_stepped,
                             std::function<void(u8)> on_vector)
    : irqs_(irqs), on_vector_(std::move(on_vector)) {
  if (devices::LocalApic* const apic = irqs.Apic(0)) {
    apic_ = std::make_unique<RecordingApic>(journal, *apic, is_stepped);
  }
}

std::optional<u8> RecordingIrqs::TakeVector(devices::VcpuId vcpu) {
  const std::optional<u8> vector = irqs_.TakeVector(vcpu);
  if (vector) {
    on_vector_(*vector);
  }
  return vector;
}

}  // namespace tandem::accel::lockstep
