#include "devices/display/bochs_vbe.h"

#include <algorithm>

namespace tandem::devices {
namespace {

constexpr u16 kVersion = 0xb0c5;
constexpr u16 kOldestVersion = 0xb0c0;
constexpr u16 kEnabled = 0x01;
constexpr u16 kGetCapabilities = 0x02;
constexpr u16 kNoClear = 0x80;
constexpr u16 kMaxWidth = 16000;
constexpr u16 kMaxHeight = 12000;
constexpr u16 kMaxBpp = 32;

}  // namespace

void BochsVbe::Reset() {
  registers_ = {};
  registers_[kId] = kVersion;
  registers_[kBpp] = 8;
}

u32 BochsVbe::BytesOf(u32 pixels) const {
  const u32 bits = registers_[kBpp];
  return bits == 4 ? pixels / 2 : pixels * ((bits + 7) / 8);
}

u16 BochsVbe::Read(u32 index) const {
  if (index >= kCount) {
    return 0;
  }
  if (index == kMemory64K) {
    return static_cast<u16>(memory_bytes_ >> 16);
  }
  if ((registers_[kEnable] & kGetCapabilities) != 0 && index >= kXRes && index <= kBpp) {
    return index == kXRes ? kMaxWidth : index == kYRes ? kMaxHeight : kMaxBpp;
  }
  return registers_[index];
}

// The picture never reaches beyond memory; the virtual height follows from what the width leaves.
void BochsVbe::FixGeometry() {
  u16& width = registers_[kXRes];
  u16& height = registers_[kYRes];
  width = std::clamp<u16>(width & ~7, 8, kMaxWidth);
  const u32 max_width = memory_bytes_ / std::max<u32>(BytesOf(8), 1) * 8;
  registers_[kVirtualWidth] =
      static_cast<u16>(std::min<u32>(std::max(registers_[kVirtualWidth], width), max_width));
  const u32 rows = memory_bytes_ / std::max<u32>(Pitch(), 1);
  registers_[kVirtualHeight] = static_cast<u16>(std::min<u32>(rows, 0xffff));
  height = static_cast<u16>(std::clamp<u32>(height, 1, std::min<u32>(rows, kMaxHeight)));
  registers_[kXOffset] =
      std::min<u16>(registers_[kXOffset], static_cast<u16>(registers_[kVirtualWidth] - width));
  registers_[kYOffset] =
      std::min<u16>(registers_[kYOffset], static_cast<u16>(registers_[kVirtualHeight] - height));
}

bool BochsVbe::Enable(u16 value) {
  const bool starts = (value & kEnabled) != 0 && !IsEnabled();
  registers_[kEnable] = value;
  if (!starts) {
    return false;
  }
  registers_[kVirtualWidth] = registers_[kXRes];
  registers_[kXOffset] = registers_[kYOffset] = registers_[kBank] = 0;
  FixGeometry();
  return (value & kNoClear) == 0;
}

bool BochsVbe::Write(u32 index, u16 value) {
  switch (index) {
    case kId:
      if (value >= kOldestVersion && value <= kVersion) {
        registers_[kId] = value;
      }
      return false;
    case kBpp: {
      const u16 bits = value == 0 ? 8 : value;
      const bool is_known =
          bits == 4 || bits == 8 || bits == 15 || bits == 16 || bits == 24 || bits == 32;
      if (is_known && !IsEnabled()) {
        registers_[kBpp] = bits;
      }
      return false;
    }
    case kXRes:
    case kYRes:
      if (!IsEnabled()) {
        registers_[index] = value;
      }
      return false;
    case kEnable:
      return Enable(value);
    case kBank:
      registers_[kBank] = static_cast<u16>(value & ((memory_bytes_ >> 16) - 1));
      return false;
    case kVirtualWidth:
    case kXOffset:
    case kYOffset:
      registers_[index] = value;
      if (IsEnabled()) {
        FixGeometry();
      }
      return false;
    default:
      return false;
  }
}

}  // namespace tandem::devices
