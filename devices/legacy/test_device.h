#pragma once

#include <array>
#include <vector>

#include "devices/bus/irq.h"
#include "devices/legacy/byte_device.h"

namespace tandem::devices {

// The parts of pc-testdev, with which test suites exercise processors and interrupt controllers;
// where each is mapped is as in QEMU's hw/misc/pc-testdev.c.

// Four bytes that keep what is written, whatever its width.
class TestLatch final : public ByteDevice {
 public:
  static constexpr u64 kPort = 0xe0;
  static constexpr u64 kBytePort = 0xe8;  // the same bytes once more
  static constexpr u64 kLength = 4;

 private:
  u8 ReadByte(u64 offset) override { return bytes_[offset % kLength]; }
  void WriteByte(u64 offset, u8 value) override { bytes_[offset % kLength] = value; }
  void DoReset() override { bytes_ = {}; }

  std::array<u8, kLength> bytes_{};
};

// Takes the host's mapping of a guest page away, for accelerators whose guests run on mappings of
// the host's: the next access finds it again. Nothing of it can be seen in the guest, and nothing
// is done here.
class TestFlushPage final : public Device {
 public:
  static constexpr u64 kPort = 0xe4;
  static constexpr u64 kLength = 4;

 private:
  void DoRead(u64, std::span<std::byte> data) override { SetAccessValue(data, ~u64{0}); }
  void DoWrite(u64, std::span<const std::byte>) override {}
  void DoReset() override {}
};

// A port for each ISA interrupt line: its level is whether the value written is not zero.
class TestIrqLines final : public ByteDevice {
 public:
  static constexpr u64 kPort = 0x2000;
  static constexpr u64 kLength = 16;

  explicit TestIrqLines(std::vector<IrqLine> lines) : lines_(std::move(lines)) {}

 private:
  u8 ReadByte(u64) override { return 0xff; }
  void WriteByte(u64 offset, u8 value) override { lines_.at(offset).Set(value != 0); }
  void DoReset() override {}

  const std::vector<IrqLine> lines_;  // kLength of them
};

// Memory that is no RAM: every access of it reaches a device.
class TestMemory final : public ByteDevice {
 public:
  static constexpr u64 kBase = 0xff000000;
  static constexpr u64 kLength = 0x10000;

 private:
  u8 ReadByte(u64 offset) override { return bytes_[offset]; }
  void WriteByte(u64 offset, u8 value) override { bytes_[offset] = value; }
  void DoReset() override { bytes_.assign(kLength, 0); }

  std::vector<u8> bytes_ = std::vector<u8>(kLength);
};

}  // namespace tandem::devices
