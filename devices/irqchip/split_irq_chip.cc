#include "devices/irqchip/split_irq_chip.h"

namespace tandem::devices {
namespace {

// SDM Vol. 3, "Message Address Register Format" and "Message Data Register Format".
MsiMessage ToMsi(const ApicMessage& message) {
  constexpr u32 kAssert = 1u << 14;
  const u32 address =
      0xfee00000 | (message.destination & 0xff) << 12 | u32{message.is_logical} << 2;
  const u32 data =
      message.vector | static_cast<u32>(message.mode) << 8 | kAssert | u32{message.is_level} << 15;
  return {address, data};
}

}  // namespace

SplitIrqChip::SplitIrqChip(StatefulApics& apics, CpuSignals& signals)
    : apics_(apics), signals_(signals) {
  apics_.SetEoiHandler([this](u8 vector) {
    MutexLock lock(mu_);
    EndOfInterrupt(vector);
  });
}

void SplitIrqChip::Deliver(const ApicMessage& message) { apics_.SendMsi(ToMsi(message)); }

void SplitIrqChip::OnPicChanged() {
  const bool output = pic_.HasInterrupt();
  if (output && !pic_output_) {
    signals_.InterruptPending(0);
  }
  pic_output_ = output;
}

void SplitIrqChip::OnIoApicWritten() {
  for (u32 pin = 0; pin < IoApic::kPins; ++pin) {
    const std::optional<ApicMessage> message = ioapic_.PinMessage(pin);
    if (message != told_[pin]) {
      told_[pin] = message;
      apics_.SetPinMessage(pin, message ? ToMsi(*message) : MsiMessage{}, !message);
    }
  }
}

std::optional<u8> SplitIrqChip::TakeVector(VcpuId vcpu) {
  MutexLock lock(mu_);
  if (vcpu != 0 || !pic_.HasInterrupt()) {
    return std::nullopt;
  }
  const u8 vector = TakePicVector();
  pic_output_ = pic_.HasInterrupt();
  return vector;
}

bool SplitIrqChip::HasVector(VcpuId vcpu) const {
  MutexLock lock(mu_);
  return vcpu == 0 && pic_.HasInterrupt();
}

void SplitIrqChip::Reset() {
  MutexLock lock(mu_);
  ResetPins();
  pic_output_ = false;
  OnIoApicWritten();
  apics_.Reset();
}

IrqState SplitIrqChip::Save() const {
  MutexLock lock(mu_);
  return {.apics = apics_.Save(), .pics = pic_.Save(), .io_apic = ioapic_.state()};
}

// The I/O APIC last, as it may send.
void SplitIrqChip::Load(const IrqState& state) {
  MutexLock lock(mu_);
  apics_.Load(state.apics);
  pic_.Load(state.pics);
  pic_output_ = pic_.HasInterrupt();
  if (pic_output_) {
    signals_.InterruptPending(0);
  }
  LoadLines(state.io_apic);
  ioapic_.Load(state.io_apic);
  OnIoApicWritten();
}

}  // namespace tandem::devices
