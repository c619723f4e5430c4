#include "devices/display/vga_memory.h"

#include "base/bits.h"

namespace tandem::devices {
namespace {

// One bit a plane to one byte a plane.
constexpr u32 PlaneMask(u8 planes) {
  u32 mask = 0;
  for (u32 plane = 0; plane < 4; ++plane) {
    mask |= Bit(planes, plane) ? 0xffu << (8 * plane) : 0;
  }
  return mask;
}

constexpr u32 OnAllPlanes(u8 value) { return value * 0x01010101u; }

constexpr u8 RotateRight(u8 value, u8 count) {
  return static_cast<u8>(value >> count | value << (8 - count));
}

}  // namespace

bool VgaMemory::Translate(u32& offset, u32 bank) const {
  switch (vga_.graphics[6] >> 2 & 3) {
    case 0:
      return true;
    case 1:
      offset += bank;
      return offset - bank < 0x10000;
    case 2:
      offset -= 0x10000;
      return offset < 0x8000;
    default:
      offset -= 0x18000;
      return offset < 0x8000;
  }
}

u32 VgaMemory::LoadWord(u32 offset) { return LoadLe<u32>(&At(offset * 4)); }

void VgaMemory::StoreWord(u32 offset, u32 value, u32 mask) {
  StoreLe<u32>(&At(offset * 4), (LoadWord(offset) & ~mask) | (value & mask));
}

u8 VgaMemory::Read(u32 offset, u32 bank) {
  if (!Translate(offset, bank)) {
    return 0xff;
  }
  if (vga_.IsChain4()) {
    return static_cast<u8>(At(offset));
  }
  if (vga_.IsOddEven()) {
    const u32 plane = (vga_.graphics[4] & 2u) | (offset & 1);
    return static_cast<u8>(At((offset & ~1u) << 1 | plane));
  }
  latch_ = LoadWord(offset);
  if ((vga_.graphics[5] & 0x08) == 0) {  // read mode 0: one plane
    return static_cast<u8>(latch_ >> (8 * (vga_.graphics[4] & 3)));
  }
  // Read mode 1: bits of all pixels that match the colour in the planes that count.
  u32 differs = (latch_ ^ PlaneMask(vga_.graphics[2])) & PlaneMask(vga_.graphics[7]);
  differs |= differs >> 16;
  differs |= differs >> 8;
  return static_cast<u8>(~differs);
}

// The ALU and the bit mask behind write modes 0, 2 and 3.
u32 VgaMemory::Combine(u8 value) const {
  const u8 write_mode = vga_.graphics[5] & 3;
  const u8 rotated = RotateRight(value, vga_.graphics[3] & 7);
  const u32 set_reset = PlaneMask(vga_.graphics[0]);
  u32 data = 0;
  u32 bit_mask = OnAllPlanes(vga_.graphics[8]);
  if (write_mode == 0) {
    const u32 enabled = PlaneMask(vga_.graphics[1]);
    data = (OnAllPlanes(rotated) & ~enabled) | (set_reset & enabled);
  } else if (write_mode == 2) {
    data = PlaneMask(value & 0xf);
  } else {
    data = set_reset;
    bit_mask &= OnAllPlanes(rotated);
  }
  switch (vga_.graphics[3] >> 3 & 3) {
    case 1:
      data &= latch_;
      break;
    case 2:
      data |= latch_;
      break;
    case 3:
      data ^= latch_;
      break;
    default:
      break;
  }
  return (data & bit_mask) | (latch_ & ~bit_mask);
}

void VgaMemory::Write(u32 offset, u32 bank, u8 value) {
  if (!Translate(offset, bank)) {
    return;
  }
  const u8 planes = vga_.MapMask();
  if (vga_.IsChain4()) {
    if (Bit(planes, offset & 3)) {
      At(offset) = std::byte{value};
    }
    return;
  }
  if (vga_.IsOddEven()) {
    const u32 plane = (vga_.graphics[4] & 2u) | (offset & 1);
    if (Bit(planes, plane)) {
      At((offset & ~1u) << 1 | plane) = std::byte{value};
    }
    return;
  }
  const u32 word = (vga_.graphics[5] & 3) == 1 ? latch_ : Combine(value);
  StoreWord(offset, word, PlaneMask(planes));
}

}  // namespace tandem::devices
