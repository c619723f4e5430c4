#pragma once

#include "devices/bus/device.h"

namespace tandem::devices {

// The PIIX4's SMBus host controller with nothing on its bus: each transaction ends at once with a
// device error, as when no slave answers.
class SmbusHost final : public Device {
 public:
  static constexpr u64 kLength = 64;

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override;

  u8 status_ = 0;
  u8 registers_[8] = {};
};

}  // namespace tandem::devices
