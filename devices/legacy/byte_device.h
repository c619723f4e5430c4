#pragma once

#include "devices/bus/device.h"

namespace tandem::devices {

// A device of the 8-bit bus: wider accesses become one cycle a byte, lowest first.
class ByteDevice : public Device {
 private:
  virtual u8 ReadByte(u64 offset) = 0;
  virtual void WriteByte(u64 offset, u8 value) = 0;

  void DoRead(u64 offset, std::span<std::byte> data) final {
    for (size_t i = 0; i < data.size(); ++i) {
      data[i] = static_cast<std::byte>(ReadByte(offset + i));
    }
  }
  void DoWrite(u64 offset, std::span<const std::byte> data) final {
    for (size_t i = 0; i < data.size(); ++i) {
      WriteByte(offset + i, static_cast<u8>(data[i]));
    }
  }
};

}  // namespace tandem::devices
