#include "devices/pci/msi.h"

#include <bit>

#include "base/bits.h"
#include "base/check.h"

namespace tandem::devices {
namespace {

constexpr u32 kControl = 2;
constexpr u32 kAddress = 4;
constexpr u32 kData = 12;
constexpr u32 kMask = 16;
constexpr u32 kPending = 20;
constexpr u32 kLength = 24;

constexpr u32 kEnable = 1u << 0;
constexpr u32 kWideAddress = 1u << 7;
constexpr u32 kMaskable = 1u << 8;

}  // namespace

Msi::Msi(PciDevice& device, u32 messages)
    : device_(device), at_(device.config().AddCapability(pci::kCapMsi, kLength)) {
  CHECK(std::has_single_bit(messages) && messages <= 32);
  ConfigSpace& config = device_.config();
  const u32 log2 = static_cast<u32>(std::countr_zero(messages));
  config.Set(at_ + kControl, 2, kWideAddress | kMaskable | log2 << 1);
  config.SetWritable(at_ + kControl, 2, kEnable | 0x70);
  config.SetWritable(at_ + kAddress, 4, 0xfffffffc);
  config.SetWritable(at_ + kAddress + 4, 4, 0xffffffff);
  config.SetWritable(at_ + kData, 2, 0xffff);
  config.SetWritable(at_ + kMask, 4, static_cast<u32>((u64{1} << messages) - 1));
}

bool Msi::IsEnabled() const { return (device_.config().Get16(at_ + kControl) & kEnable) != 0; }

// The low bits of the data number the messages that the guest allowed.
MsiMessage Msi::Message(u32 message) const {
  const ConfigSpace& config = device_.config();
  const u32 allowed = 1u << BitsOf(config.Get16(at_ + kControl), 4, 3);
  const u64 address = config.Get32(at_ + kAddress) | u64{config.Get32(at_ + kAddress + 4)} << 32;
  const u32 data = config.Get16(at_ + kData);
  return {address, (data & ~(allowed - 1)) | (message & (allowed - 1))};
}

void Msi::Notify(u32 message) {
  if (!IsEnabled()) {
    return;
  }
  ConfigSpace& config = device_.config();
  if (Bit(config.Get32(at_ + kMask), message)) {
    config.Set(at_ + kPending, 4, config.Get32(at_ + kPending) | 1u << message);
    return;
  }
  device_.SendMsi(Message(message));
}

void Msi::OnConfigWrite() {
  ConfigSpace& config = device_.config();
  const u32 ready = config.Get32(at_ + kPending) & ~config.Get32(at_ + kMask);
  if (ready == 0 || !IsEnabled()) {
    return;
  }
  config.Set(at_ + kPending, 4, config.Get32(at_ + kPending) & ~ready);
  for (u32 left = ready; left != 0; left &= left - 1) {
    device_.SendMsi(Message(static_cast<u32>(std::countr_zero(left))));
  }
}

}  // namespace tandem::devices
