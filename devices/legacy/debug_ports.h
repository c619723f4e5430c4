#pragma once

#include <functional>

#include "devices/chardev/char_backend.h"
#include "devices/legacy/byte_device.h"

namespace tandem::devices {

// The debug console: each byte written to its port (0xe9, or 0x402 for firmware) goes to a back
// end. Reads give `readback`, by which guests detect it.
class DebugConsole final : public ByteDevice {
 public:
  static constexpr u64 kPort = 0xe9;
  static constexpr u64 kLength = 1;

  explicit DebugConsole(CharBackend& backend, u8 readback = 0xe9)
      : backend_(backend), readback_(readback) {}

 private:
  u8 ReadByte(u64) override { return readback_; }
  void WriteByte(u64, u8 value) override {
    const auto byte = static_cast<std::byte>(value);
    backend_.Write({&byte, 1});
  }
  void DoReset() override {}

  CharBackend& backend_;
  const u8 readback_;
};

// isa-debug-exit: writing v ends the emulator with status 2 v + 1. Its port and length (iobase,
// iosize; 0x501 and 2) are the machine's to choose.
class DebugExit final : public Device {
 public:
  // exit_requested is called with the lock held and must only leave a message.
  explicit DebugExit(std::function<void(int status)> exit_requested)
      : exit_requested_(std::move(exit_requested)) {}

 private:
  void DoRead(u64, std::span<std::byte> data) override { SetAccessValue(data, 0); }
  void DoWrite(u64, std::span<const std::byte> data) override {
    exit_requested_(static_cast<int>((AccessValue(data) << 1 | 1) & 0xff));
  }
  void DoReset() override {}

  const std::function<void(int)> exit_requested_;
};

// System control port A (0x92): bit 0 resets, bit 1 is the fast A20 gate, stored but always open.
class ControlPortA final : public ByteDevice {
 public:
  static constexpr u64 kPort = 0x92;
  static constexpr u64 kLength = 1;

  explicit ControlPortA(std::function<void()> reset_requested)
      : reset_requested_(std::move(reset_requested)) {}

 private:
  u8 ReadByte(u64) override { return value_; }
  void WriteByte(u64, u8 value) override {
    const bool resets = (value & 1) != 0 && (value_ & 1) == 0;
    value_ = value;
    if (resets) {
      reset_requested_();
    }
  }
  void DoReset() override { value_ = kA20; }

  static constexpr u8 kA20 = 0x02;
  const std::function<void()> reset_requested_;
  u8 value_ = kA20;
};

}  // namespace tandem::devices
