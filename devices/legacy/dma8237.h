#pragma once

#include <array>

#include "devices/legacy/byte_device.h"

namespace tandem::devices {

// One 8237A DMA controller as far as software can probe it: address and count registers behind a
// flip-flop, mask and command. No device asks for transfers.
class Dma8237 final : public ByteDevice {
 public:
  static constexpr u64 kFirstPort = 0x00;  // stride 1, 16 ports
  static constexpr u64 kFirstLength = 16;
  static constexpr u64 kSecondPort = 0xc0;  // stride 2, 32 ports
  static constexpr u64 kSecondLength = 32;

  // stride_shift: 1 where registers lie on even ports.
  explicit Dma8237(u32 stride_shift) : stride_shift_(stride_shift) {}

 private:
  u8 ReadByte(u64 offset) override;
  void WriteByte(u64 offset, u8 value) override;
  void DoReset() override;

  const u32 stride_shift_;
  std::array<u16, 8> registers_{};  // address and count of channel n at 2n and 2n + 1
  bool is_high_next_ = false;
  u8 command_ = 0;
  u8 mask_ = 0x0f;
};

// The page registers, 0x80-0x8f, plain memory; 0x80 is where firmware shows its progress.
class DmaPages final : public ByteDevice {
 public:
  static constexpr u64 kPort = 0x80;
  static constexpr u64 kLength = 16;

 private:
  u8 ReadByte(u64 offset) override { return pages_[offset & 15]; }
  void WriteByte(u64 offset, u8 value) override { pages_[offset & 15] = value; }
  void DoReset() override { pages_.fill(0); }

  std::array<u8, 16> pages_{};
};

}  // namespace tandem::devices
