#include "devices/display/vga_ports.h"

namespace tandem::devices {
namespace {

// Bits that exist in each register.
constexpr std::array<u8, 8> kSequencerMask = {0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0x00, 0x00, 0xff};
constexpr std::array<u8, 9> kGraphicsMask = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
constexpr u8 kCrtcProtect = 0x80;
constexpr u8 kRetraceBits = 0x09;

// Monochrome and colour adapters have their CRTC and status at 0x3bx or 0x3dx.
bool IsElsewhere(const VgaRegisters& vga, u32 port) {
  return (port <= 0x3bf && vga.IsColour()) || (port >= 0x3d0 && !vga.IsColour());
}

u8 ReadDac(VgaRegisters& vga) {
  const u8 value = vga.palette[vga.dac_read_index * 3u + vga.dac_component];
  if (++vga.dac_component == 3) {
    vga.dac_component = 0;
    ++vga.dac_read_index;
  }
  return value;
}

// A colour takes effect when its third component has come.
void WriteDac(VgaRegisters& vga, u8 value, bool is_8bit) {
  vga.dac_pending[vga.dac_component] = is_8bit ? value : value & 0x3f;
  if (++vga.dac_component == 3) {
    vga.dac_component = 0;
    for (u32 i = 0; i < 3; ++i) {
      vga.palette[vga.dac_write_index * 3u + i] = vga.dac_pending[i];
    }
    ++vga.dac_write_index;
  }
}

void WriteAttribute(VgaRegisters& vga, u8 value) {
  vga.attribute_expects_data = !vga.attribute_expects_data;
  if (vga.attribute_expects_data) {
    vga.attribute_index = value & 0x3f;
    return;
  }
  const u8 index = vga.attribute_index & 0x1f;
  if (index < vga.attribute.size()) {
    vga.attribute[index] = index < 16 || index == 0x12 ? value & 0x3f : value;
  }
}

void WriteCrtc(VgaRegisters& vga, u8 value) {
  const u8 index = vga.crtc_index;
  if (index >= vga.crtc.size()) {
    return;
  }
  if (index <= 7 && (vga.crtc[0x11] & kCrtcProtect) != 0) {
    if (index == 7) {
      vga.crtc[7] = static_cast<u8>((vga.crtc[7] & ~0x10) | (value & 0x10));
    }
    return;
  }
  vga.crtc[index] = value;
}

// The status toggles, for guests that wait for one retrace after the other.
u8 ReadInputStatus(VgaRegisters& vga) {
  vga.attribute_expects_data = false;
  vga.input_status ^= kRetraceBits;
  return vga.input_status;
}

u8 ReadAttribute(const VgaRegisters& vga) {
  const u8 index = vga.attribute_index & 0x1f;
  return index < vga.attribute.size() ? vga.attribute[index] : 0;
}

}  // namespace

u8 ReadVgaPort(VgaRegisters& vga, u32 port) {
  if (IsElsewhere(vga, port)) {
    return 0xff;
  }
  switch (port) {
    case 0x3c0:
      return vga.attribute_expects_data ? 0 : vga.attribute_index;
    case 0x3c1:
      return ReadAttribute(vga);
    case 0x3c2:
      return 0x10;  // a monitor is connected
    case 0x3c4:
      return vga.sequencer_index;
    case 0x3c5:
      return vga.sequencer[vga.sequencer_index];
    case 0x3c6:
      return vga.dac_mask;
    case 0x3c7:
      return vga.dac_state;
    case 0x3c8:
      return vga.dac_write_index;
    case 0x3c9:
      return ReadDac(vga);
    case 0x3ca:
      return 0;
    case 0x3cc:
      return vga.misc;
    case 0x3ce:
      return vga.graphics_index;
    case 0x3cf:
      return vga.graphics[vga.graphics_index];
    case 0x3b4:
    case 0x3d4:
      return vga.crtc_index;
    case 0x3b5:
    case 0x3d5:
      return vga.crtc_index < vga.crtc.size() ? vga.crtc[vga.crtc_index] : 0xff;
    case 0x3ba:
    case 0x3da:
      return ReadInputStatus(vga);
    default:
      return 0xff;
  }
}

void WriteVgaPort(VgaRegisters& vga, u32 port, u8 value, bool dac_is_8bit) {
  if (IsElsewhere(vga, port)) {
    return;
  }
  switch (port) {
    case 0x3c0:
      return WriteAttribute(vga, value);
    case 0x3c2:
      vga.misc = value & ~0x10;
      return;
    case 0x3c4:
      vga.sequencer_index = value & 7;
      return;
    case 0x3c5:
      vga.sequencer[vga.sequencer_index] = value & kSequencerMask[vga.sequencer_index];
      return;
    case 0x3c6:
      vga.dac_mask = value;
      return;
    case 0x3c7:
      vga.dac_read_index = value;
      vga.dac_component = 0;
      vga.dac_state = 3;
      return;
    case 0x3c8:
      vga.dac_write_index = value;
      vga.dac_component = 0;
      vga.dac_state = 0;
      return;
    case 0x3c9:
      return WriteDac(vga, value, dac_is_8bit);
    case 0x3ce:
      vga.graphics_index = value & 0xf;
      return;
    case 0x3cf:
      if (vga.graphics_index < kGraphicsMask.size()) {
        vga.graphics[vga.graphics_index] = value & kGraphicsMask[vga.graphics_index];
      }
      return;
    case 0x3b4:
    case 0x3d4:
      vga.crtc_index = value;
      return;
    case 0x3b5:
    case 0x3d5:
      return WriteCrtc(vga, value);
    default:
      return;
  }
}

}  // namespace tandem::devices
