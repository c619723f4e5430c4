#include "devices/ide/piix3_ide.h"

#include "base/check.h"

namespace tandem::devices {
namespace {

constexpr PciId kId = {0x8086, 0x7010, 0x010180, 0, 0x1af4, 0x1100, false};
constexpr u64 kBusMasterSize = 16;
constexpr u32 kTimingPrimary = 0x40;
constexpr u32 kTimingSecondary = 0x42;
constexpr u16 kDecodeEnable = 0x8000;

constexpr u64 kCommandPorts[] = {0x1f0, 0x170};
constexpr u64 kControlPorts[] = {0x3f6, 0x376};

}  // namespace

Piix3Ide::Piix3Ide(IrqLine irq14, IrqLine irq15) : PciDevice(kId) {
  channels_ = {std::make_shared<IdeChannel>(*this, irq14),
               std::make_shared<IdeChannel>(*this, irq15)};
  const u64 length = BusMaster::kLength;
  Bar bar{kBusMasterSize, BarKind::kPort, false, {}};
  bar.parts.push_back({0, length, channels_[0], nullptr});
  bar.parts.push_back({length, length, channels_[1], nullptr});
  SetBar(4, std::move(bar));
  // Both channels decode their ports from reset on: direct boot has no BIOS to switch them on.
  for (const u32 timing : {kTimingPrimary, kTimingSecondary}) {
    config().SetWritable(timing, 2, 0xffff);
    config().Set(timing, 2, kDecodeEnable);
  }
}

void Piix3Ide::OnAttach() {
  for (unsigned i = 0; i < 2; ++i) {
    const auto command =
        slot().ports->MapIo(Gpa(kCommandPorts[i]), 8, channels_[i], IdeChannel::kCommandOffset);
    const auto control =
        slot().ports->MapIo(Gpa(kControlPorts[i]), 1, channels_[i], IdeChannel::kControlOffset);
    CHECK(command.ok() && control.ok());
  }
}

void Piix3Ide::OnReset() {
  for (const std::shared_ptr<IdeChannel>& channel : channels_) {
    channel->Reset();
  }
}

}  // namespace tandem::devices
