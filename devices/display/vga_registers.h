#pragma once

#include <array>

#include "base/ints.h"

namespace tandem::devices {

// All programmable state of a VGA (IBM's PS/2 Hardware Interface Technical Reference, "Video
// Subsystem"; FreeVGA) but for its memory.
struct VgaRegisters {
  u8 misc = 0;

  u8 sequencer_index = 0;
  std::array<u8, 8> sequencer{};
  u8 crtc_index = 0;
  std::array<u8, 0x19> crtc{};
  u8 graphics_index = 0;
  std::array<u8, 16> graphics{};
  u8 attribute_index = 0;  // bit 5: the palette is in use by the display
  bool attribute_expects_data = false;
  std::array<u8, 0x15> attribute{};

  u8 dac_read_index = 0;
  u8 dac_write_index = 0;
  u8 dac_state = 0;  // what 0x3c7 reads: 3 after a read index was set, else 0
  u8 dac_component = 0;
  u8 dac_mask = 0xff;
  std::array<u8, 3> dac_pending{};
  std::array<u8, 768> palette{};

  u8 input_status = 0;

  // Names for the bits that more than one file asks for.
  bool IsColour() const { return (misc & 1) != 0; }
  bool IsChain4() const { return (sequencer[4] & 0x08) != 0; }
  bool IsOddEven() const { return (graphics[5] & 0x10) != 0; }
  bool IsGraphics() const { return (graphics[6] & 0x01) != 0; }
  u8 MapMask() const { return sequencer[2] & 0xf; }
  u32 StartAddress() const { return static_cast<u32>(crtc[0x0c] << 8 | crtc[0x0d]); }
  u32 ScanLines() const { return (crtc[9] & 0x1f) + 1u; }
  // Of the visible part, before lines are doubled.
  u32 VisibleLines() const {
    return (crtc[0x12] | (crtc[7] & 0x02) << 7 | (crtc[7] & 0x40) << 3) + 1u;
  }
  u32 Columns() const { return crtc[1] + 1u; }
};

}  // namespace tandem::devices
