#include "devices/legacy/dma8237.h"

namespace tandem::devices {
namespace {

constexpr u64 kCommand = 8;  // read: status
constexpr u64 kSingleMask = 10;
constexpr u64 kClearFlipFlop = 12;
constexpr u64 kMasterClear = 13;
constexpr u64 kClearMask = 14;
constexpr u64 kWriteMask = 15;

}  // namespace

u8 Dma8237::ReadByte(u64 offset) {
  const u64 index = offset >> stride_shift_ & 15;
  if (index < registers_.size()) {
    const bool is_high = is_high_next_;
    is_high_next_ = !is_high;
    return static_cast<u8>(is_high ? registers_[index] >> 8 : registers_[index]);
  }
  return index == kWriteMask ? mask_ | 0xf0 : 0;
}

void Dma8237::WriteByte(u64 offset, u8 value) {
  const u64 index = offset >> stride_shift_ & 15;
  if (index < registers_.size()) {
    u16& reg = registers_[index];
    reg = static_cast<u16>(is_high_next_ ? (reg & 0x00ff) | value << 8 : (reg & 0xff00) | value);
    is_high_next_ = !is_high_next_;
    return;
  }
  const u8 channel = static_cast<u8>(1u << (value & 3));
  switch (index) {
    case kCommand:
      command_ = value;
      break;
    case kSingleMask:
      mask_ = (value & 4) != 0 ? mask_ | channel : mask_ & ~channel;
      break;
    case kClearFlipFlop:
      is_high_next_ = false;
      break;
    case kMasterClear:
      DoReset();
      break;
    case kClearMask:
      mask_ = 0;
      break;
    case kWriteMask:
      mask_ = value & 0x0f;
      break;
    default:
      break;
  }
}

void Dma8237::DoReset() {
  is_high_next_ = false;
  command_ = 0;
  mask_ = 0x0f;
}

}  // namespace tandem::devices
