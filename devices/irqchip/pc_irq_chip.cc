#include "devices/irqchip/pc_irq_chip.h"

#include "base/bits.h"

namespace tandem::devices {
namespace {

constexpr Gsi kTimer = 0;
constexpr Gsi kCascade = 2;
constexpr u32 kTimerPin = 2;

constexpr bool IsConnected(Gsi gsi) { return gsi < IoApic::kPins && gsi != kCascade; }
constexpr u32 PinOf(Gsi gsi) { return gsi == kTimer ? kTimerPin : gsi; }

}  // namespace

class PcIrqChip::PicPorts final : public Device {
 public:
  PicPorts(PcIrqChip& chip, u32 pic) : chip_(chip), pic_(pic) {}

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override {}

  PcIrqChip& chip_;
  const u32 pic_;
};

class PcIrqChip::ElcrPorts final : public Device {
 public:
  explicit ElcrPorts(PcIrqChip& chip) : chip_(chip) {}

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override {}

  PcIrqChip& chip_;
};

class PcIrqChip::IoApicWindow final : public Device {
 public:
  explicit IoApicWindow(PcIrqChip& chip) : chip_(chip) {}

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override {}

  PcIrqChip& chip_;
};

void PcIrqChip::SetLine(Gsi gsi, bool level) {
  if (IsConnected(gsi)) {
    MutexLock lock(mu_);
    lines_ = static_cast<u32>(WithBit(lines_, gsi, level));
    FollowLine(gsi);
  }
}

void PcIrqChip::SetLatch(Gsi gsi, bool level) {
  if (IsConnected(gsi)) {
    MutexLock lock(mu_);
    latches_ = static_cast<u32>(WithBit(latches_, gsi, level));
    FollowLine(gsi);
  }
}

void PcIrqChip::SetLatchEndHandler(std::function<void(Gsi)> handler) {
  MutexLock lock(mu_);
  on_latch_end_ = std::move(handler);
}

void PcIrqChip::FollowLine(Gsi gsi) {
  const bool level = Bit(lines_ | latches_, gsi);
  if (gsi < 16) {
    pic_.SetLine(gsi, level);
    OnPicChanged();
  }
  ioapic_.SetLine(PinOf(gsi), level);
}

// The line falls before a controller looks whether to interrupt again.
void PcIrqChip::EndLatch(Gsi gsi) {
  if (Bit(latches_, gsi)) {
    latches_ = static_cast<u32>(WithBit(latches_, gsi, false));
    FollowLine(gsi);
    on_latch_end_(gsi);
  }
}

void PcIrqChip::OnPinEnded(u32 pin) { EndLatch(pin == kTimerPin ? kTimer : pin); }

void PcIrqChip::EndPicLatches() {
  const u32 ended = pic_.TakeEnded() & latches_;
  for (Gsi gsi = 0; gsi < 16; ++gsi) {
    if (Bit(ended, gsi)) {
      EndLatch(gsi);
    }
  }
}

void PcIrqChip::AfterPicAccess() {
  EndPicLatches();
  OnPicChanged();
}

u8 PcIrqChip::TakePicVector() {
  const u8 vector = pic_.TakeVector();
  EndPicLatches();
  return vector;
}

void PcIrqChip::ResetPins() {
  pic_.Reset();
  ioapic_.Reset();
  lines_ = latches_ = 0;
}

void PcIrqChip::LoadLines(const IoApicState& state) {
  lines_ = static_cast<u32>(WithBit(state.lines, kTimer, Bit(state.lines, kTimerPin)));
  latches_ = 0;
}

std::shared_ptr<Device> PcIrqChip::MakeMasterPorts() {
  return std::make_shared<PicPorts>(*this, 0);
}
std::shared_ptr<Device> PcIrqChip::MakeSlavePorts() { return std::make_shared<PicPorts>(*this, 1); }
std::shared_ptr<Device> PcIrqChip::MakeElcrPorts() { return std::make_shared<ElcrPorts>(*this); }
std::shared_ptr<Device> PcIrqChip::MakeIoApicWindow() {
  return std::make_shared<IoApicWindow>(*this);
}

void PcIrqChip::PicPorts::DoRead(u64 offset, std::span<std::byte> data) {
  MutexLock lock(chip_.mu_);
  u64 value = chip_.pic_.ReadPort(pic_, offset & 1);
  if (offset == 0 && data.size() > 1) {
    value |= u64{chip_.pic_.ReadPort(pic_, 1)} << 8;
  }
  SetAccessValue(data, value);
  chip_.AfterPicAccess();
}

void PcIrqChip::PicPorts::DoWrite(u64 offset, std::span<const std::byte> data) {
  MutexLock lock(chip_.mu_);
  for (size_t i = 0; i < data.size() && offset + i < kPortLength; ++i) {
    chip_.pic_.WritePort(pic_, static_cast<u32>(offset + i), static_cast<u8>(data[i]));
  }
  chip_.AfterPicAccess();
}

void PcIrqChip::ElcrPorts::DoRead(u64 offset, std::span<std::byte> data) {
  MutexLock lock(chip_.mu_);
  const u64 both = chip_.pic_.ReadElcr(0) | u64{chip_.pic_.ReadElcr(1)} << 8;
  SetAccessValue(data, both >> (8 * offset));
}

void PcIrqChip::ElcrPorts::DoWrite(u64 offset, std::span<const std::byte> data) {
  MutexLock lock(chip_.mu_);
  for (size_t i = 0; i < data.size() && offset + i < kPortLength; ++i) {
    chip_.pic_.WriteElcr(static_cast<u32>(offset + i), static_cast<u8>(data[i]));
  }
  chip_.AfterPicAccess();
}

void PcIrqChip::IoApicWindow::DoRead(u64 offset, std::span<std::byte> data) {
  MutexLock lock(chip_.mu_);
  SetAccessValue(data, chip_.ioapic_.Read(static_cast<u32>(offset)));
}

void PcIrqChip::IoApicWindow::DoWrite(u64 offset, std::span<const std::byte> data) {
  MutexLock lock(chip_.mu_);
  chip_.ioapic_.Write(static_cast<u32>(offset), static_cast<u32>(AccessValue(data)));
  chip_.OnIoApicWritten();
}

}  // namespace tandem::devices
