#pragma once

#include "devices/bus/irq.h"
#include "devices/chardev/char_backend.h"
#include "devices/legacy/byte_device.h"

namespace tandem::devices {

// A standard parallel port (SPP) with a printer that is always ready: 0x378 data, status, control.
class ParallelPort final : public ByteDevice {
 public:
  static constexpr u64 kPort = 0x378;
  static constexpr u64 kLength = 3;

  ParallelPort(IrqLine irq, CharBackend& backend) : irq_(irq), backend_(backend) {}

 private:
  u8 ReadByte(u64 offset) override;
  void WriteByte(u64 offset, u8 value) override;
  void DoReset() override;

  const IrqLine irq_;
  CharBackend& backend_;
  u8 data_ = 0xff;
  u8 control_ = 0x0c;
};

}  // namespace tandem::devices
