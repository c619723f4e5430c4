#pragma once

#include <span>

#include "devices/display/vga_registers.h"

namespace tandem::devices {

// The processor's view of video memory at 0xa0000-0xbffff. Memory is kept with the four planes
// interleaved: byte p of the 32-bit word at offset o is plane p. So a 256-colour or VBE picture
// lies there linearly. All offsets wrap at the end of memory, whose size is a power of two.
class VgaMemory {
 public:
  VgaMemory(VgaRegisters& registers, std::span<std::byte> memory)
      : vga_(registers), memory_(memory) {}

  // offset from 0xa0000; bank in bytes (VBE).
  u8 Read(u32 offset, u32 bank);
  void Write(u32 offset, u32 bank, u8 value);
  void Reset() { latch_ = 0; }

 private:
  // Where in the selected window the offset lies; false outside of it.
  bool Translate(u32& offset, u32 bank) const;
  std::byte& At(u32 index) { return memory_[index & (memory_.size() - 1)]; }
  u32 LoadWord(u32 offset);
  void StoreWord(u32 offset, u32 value, u32 mask);
  u32 Combine(u8 value) const;

  VgaRegisters& vga_;
  std::span<std::byte> memory_;
  u32 latch_ = 0;
};

}  // namespace tandem::devices
