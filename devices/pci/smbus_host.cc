#include "devices/pci/smbus_host.h"

#include <algorithm>

namespace tandem::devices {
namespace {

constexpr u64 kStatus = 0;
constexpr u64 kControl = 2;
constexpr u8 kStart = 0x40;
constexpr u8 kDeviceError = 0x04;
constexpr u8 kStatusBits = 0x1e;  // write one to clear

}  // namespace

void SmbusHost::DoRead(u64 offset, std::span<std::byte> data) {
  u8 value = 0;
  if (offset == kStatus) {
    value = status_;
  } else if (offset < sizeof(registers_)) {
    value = registers_[offset];
  }
  SetAccessValue(data, value);
}

void SmbusHost::DoWrite(u64 offset, std::span<const std::byte> data) {
  const u8 value = static_cast<u8>(data[0]);
  if (offset == kStatus) {
    status_ &= static_cast<u8>(~(value & kStatusBits));
  } else if (offset < sizeof(registers_)) {
    registers_[offset] = offset == kControl ? value & ~kStart : value;
    if (offset == kControl && (value & kStart) != 0) {
      status_ |= kDeviceError;
    }
  }
}

void SmbusHost::DoReset() {
  status_ = 0;
  std::fill(std::begin(registers_), std::end(registers_), u8{0});
}

}  // namespace tandem::devices
