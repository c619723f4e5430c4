#pragma once

#include <array>

#include "base/ints.h"

namespace tandem::devices {

// The Bochs VBE extension ("Bochs VBE Display API", bochs.sourceforge.io): eleven 16-bit registers
// that set a linear mode.
class BochsVbe {
 public:
  static constexpr u32 kCount = 11;

  explicit BochsVbe(u32 memory_bytes) : memory_bytes_(memory_bytes) { Reset(); }

  u16 Read(u32 index) const;
  // True where a mode was switched on that wants its memory cleared.
  bool Write(u32 index, u16 value);
  void Reset();

  bool IsEnabled() const { return (registers_[kEnable] & 1) != 0; }
  bool IsDac8Bit() const { return (registers_[kEnable] & 0x20) != 0; }
  u32 Width() const { return registers_[kXRes]; }
  u32 Height() const { return registers_[kYRes]; }
  u32 BitsPerPixel() const { return registers_[kBpp]; }
  u32 BankOffset() const { return IsEnabled() ? u32{registers_[kBank]} << 16 : 0; }
  // In bytes of linear memory.
  u32 Pitch() const { return BytesOf(registers_[kVirtualWidth]); }
  u32 Start() const { return registers_[kYOffset] * Pitch() + BytesOf(registers_[kXOffset]); }

 private:
  enum Index : u32 {
    kId,
    kXRes,
    kYRes,
    kBpp,
    kEnable,
    kBank,
    kVirtualWidth,
    kVirtualHeight,
    kXOffset,
    kYOffset,
    kMemory64K,
  };

  // Four planes of a 16-colour picture take as much as one of 4 bits a pixel.
  u32 BytesOf(u32 pixels) const;
  bool Enable(u16 value);
  void FixGeometry();

  const u32 memory_bytes_;
  std::array<u16, kCount> registers_{};
};

}  // namespace tandem::devices
