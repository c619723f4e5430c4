#include "devices/display/vga_render.h"

#include <algorithm>

#include "base/bits.h"

namespace tandem::devices {
namespace {

constexpr u32 kMaxTextRows = 256;

// Everything a mode's drawing function looks at.
class Painter {
 public:
  Painter(const VgaRegisters& vga, const BochsVbe& vbe, std::span<const std::byte> memory,
          Surface& out)
      : vga_(vga), vbe_(vbe), memory_(memory), out_(out) {
    for (u32 i = 0; i < 256; ++i) {
      palette_[i] = DacColour(static_cast<u8>(i));
    }
    for (u32 i = 0; i < 16; ++i) {
      ega_[i] = palette_[DacIndex(static_cast<u8>(i))];
    }
  }

  void Text();
  void Planar();
  void Cga();
  void Colours256();
  void Vbe();

 private:
  u8 Byte(u64 index) const { return static_cast<u8>(memory_[index & (memory_.size() - 1)]); }
  u32 DacColour(u8 index) const;
  u8 DacIndex(u8 colour) const;
  u32 VbePixel(u64 at, u32 x) const;
  void Glyph(u32 column, u32 row, u32 cell);
  u32 LineOffset() const { return vga_.crtc[0x13] * 8u; }
  // Lines of the picture: scan lines without their repetitions.
  u32 Lines() const {
    const u32 doubled = (vga_.crtc[9] & 0x80) != 0 ? 2 : 1;
    return std::max(vga_.VisibleLines() / (vga_.ScanLines() * doubled), 1u);
  }

  const VgaRegisters& vga_;
  const BochsVbe& vbe_;
  std::span<const std::byte> memory_;
  Surface& out_;
  std::array<u32, 256> palette_{};
  std::array<u32, 16> ega_{};
};

u32 Painter::DacColour(u8 index) const {
  const u8* entry = &vga_.palette[(index & vga_.dac_mask) * 3u];
  u32 pixel = 0;
  for (u32 i = 0; i < 3; ++i) {
    const u32 wide = vbe_.IsDac8Bit() ? entry[i] : entry[i] << 2 | entry[i] >> 4;
    pixel = pixel << 8 | (wide & 0xff);
  }
  return pixel;
}

// The attribute controller between a 4-bit colour and the DAC.
u8 Painter::DacIndex(u8 colour) const {
  const u8 select = vga_.attribute[0x14];
  const u8 value = vga_.attribute[colour & vga_.attribute[0x12] & 0xf];
  if ((vga_.attribute[0x10] & 0x80) != 0) {
    return static_cast<u8>((select & 0xf) << 4 | (value & 0xf));
  }
  return static_cast<u8>((select & 0xc) << 4 | (value & 0x3f));
}

void Painter::Glyph(u32 column, u32 row, u32 cell) {
  const u32 width = (vga_.sequencer[1] & 1) != 0 ? 8 : 9;
  const u8 code = Byte(cell);
  const u8 attribute = Byte(cell + 1);
  const u8 map = vga_.sequencer[3];
  const u8 font = (attribute & 8) != 0 ? static_cast<u8>((map >> 5 & 1) | (map >> 1 & 6))
                                       : static_cast<u8>((map >> 4 & 1) | (map << 1 & 6));
  const u32 glyph = (font * 8192u + code * 32u) * 4 + 2;
  const bool blinks = (vga_.attribute[0x10] & 0x08) != 0;
  const u32 front = ega_[attribute & 0xf];
  const u32 back = ega_[attribute >> 4 & (blinks ? 7 : 15)];
  const u32 cell_position = cell / 4;
  const u32 cursor = static_cast<u32>(vga_.crtc[0x0e] << 8 | vga_.crtc[0x0f]);
  const bool has_cursor = cell_position == cursor && (vga_.crtc[0x0a] & 0x20) == 0;
  for (u32 y = 0; y < vga_.ScanLines(); ++y) {
    u8 bits = Byte(glyph + y * 4);
    if (has_cursor && y >= (vga_.crtc[0x0a] & 0x1fu) && y <= (vga_.crtc[0x0b] & 0x1fu)) {
      bits = 0xff;
    }
    u32* to = out_.Row(row * vga_.ScanLines() + y) + size_t{column} * width;
    for (u32 x = 0; x < width; ++x) {
      // The ninth column repeats the eighth in line-drawing characters.
      const bool repeats = (code & 0xe0) == 0xc0 && (vga_.attribute[0x10] & 4) != 0;
      const bool on = x < 8 ? Bit(bits, 7 - x) : repeats && Bit(bits, 0);
      to[x] = on ? front : back;
    }
  }
}

void Painter::Text() {
  const u32 width = (vga_.sequencer[1] & 1) != 0 ? 8 : 9;
  const u32 rows = std::clamp(vga_.VisibleLines() / vga_.ScanLines(), 1u, kMaxTextRows);
  out_.Resize(vga_.Columns() * width, rows * vga_.ScanLines());
  for (u32 row = 0; row < rows; ++row) {
    for (u32 column = 0; column < vga_.Columns(); ++column) {
      Glyph(column, row, vga_.StartAddress() * 4 + row * LineOffset() + column * 4);
    }
  }
}

void Painter::Planar() {
  out_.Resize(vga_.Columns() * 8, Lines());
  for (u32 y = 0; y < out_.height; ++y) {
    const u32 line = vga_.StartAddress() * 4 + y * LineOffset();
    u32* row = out_.Row(y);
    for (u32 x = 0; x < out_.width; ++x) {
      u8 colour = 0;
      for (u32 plane = 0; plane < 4; ++plane) {
        colour |= static_cast<u8>((Byte(line + x / 8 * 4 + plane) >> (7 - x % 8) & 1) << plane);
      }
      row[x] = ega_[colour];
    }
  }
}

// Modes 4 and 5: two bits a pixel, odd lines 8 KiB further on.
void Painter::Cga() {
  out_.Resize(vga_.Columns() * 8, vga_.VisibleLines() / 2);
  for (u32 y = 0; y < out_.height; ++y) {
    const u32 line = (y & 1) * 0x4000 + (y / 2) * LineOffset();
    u32* row = out_.Row(y);
    for (u32 x = 0; x < out_.width; ++x) {
      const u32 at = x / 4;
      const u8 bits = Byte(line + (at & ~1u) * 2 + (at & 1));
      row[x] = ega_[bits >> (6 - x % 4 * 2) & 3];
    }
  }
}

void Painter::Colours256() {
  out_.Resize(vga_.Columns() * 4, Lines());
  for (u32 y = 0; y < out_.height; ++y) {
    const u32 line = vga_.StartAddress() * 4 + y * LineOffset();
    u32* row = out_.Row(y);
    for (u32 x = 0; x < out_.width; ++x) {
      row[x] = palette_[Byte(line + x)];
    }
  }
}

u32 Painter::VbePixel(u64 line, u32 x) const {
  const auto widen = [](u32 value, u32 bits) {
    return value << (8 - bits) | value >> (2 * bits - 8);
  };
  switch (vbe_.BitsPerPixel()) {
    case 4: {
      u8 colour = 0;
      for (u32 plane = 0; plane < 4; ++plane) {
        colour |= static_cast<u8>((Byte(line + x / 8 * 4 + plane) >> (7 - x % 8) & 1) << plane);
      }
      return ega_[colour];
    }
    case 8:
      return palette_[Byte(line + x)];
    case 15:
    case 16: {
      const u32 value = Byte(line + x * 2) | Byte(line + x * 2 + 1) << 8;
      const u32 greens = vbe_.BitsPerPixel() == 15 ? 5 : 6;
      return widen(value >> (5 + greens) & 0x1f, 5) << 16 |
             widen(value >> 5 & ((1u << greens) - 1), greens) << 8 | widen(value & 0x1f, 5);
    }
    case 24:
      return Byte(line + x * 3) | Byte(line + x * 3 + 1) << 8 | u32{Byte(line + x * 3 + 2)} << 16;
    default:
      return Byte(line + x * 4) | Byte(line + x * 4 + 1) << 8 | u32{Byte(line + x * 4 + 2)} << 16;
  }
}

void Painter::Vbe() {
  out_.Resize(vbe_.Width(), vbe_.Height());
  for (u32 y = 0; y < out_.height; ++y) {
    const u64 line = u64{vbe_.Start()} + u64{y} * vbe_.Pitch();
    u32* row = out_.Row(y);
    for (u32 x = 0; x < out_.width; ++x) {
      row[x] = VbePixel(line, x);
    }
  }
}

}  // namespace

void RenderVga(const VgaRegisters& vga, const BochsVbe& vbe, std::span<const std::byte> memory,
               Surface& out) {
  Painter painter(vga, vbe, memory, out);
  if (vbe.IsEnabled()) {
    return painter.Vbe();
  }
  if (!vga.IsGraphics()) {
    return painter.Text();
  }
  switch (vga.graphics[5] >> 5 & 3) {
    case 0:
      return painter.Planar();
    case 1:
      return painter.Cga();
    default:
      return painter.Colours256();
  }
}

std::vector<std::string> TextOf(const VgaRegisters& vga, const BochsVbe& vbe,
                                std::span<const std::byte> memory) {
  std::vector<std::string> text;
  if (vbe.IsEnabled() || vga.IsGraphics()) {
    return text;
  }
  const u32 rows = std::clamp(vga.VisibleLines() / vga.ScanLines(), 1u, kMaxTextRows);
  for (u32 row = 0; row < rows; ++row) {
    std::string line;
    const u64 start = vga.StartAddress() * 4 + row * vga.crtc[0x13] * 8u;
    for (u32 column = 0; column < vga.Columns(); ++column) {
      const char code = static_cast<char>(memory[(start + column * 4) & (memory.size() - 1)]);
      line.push_back(code >= ' ' && code <= '~' ? code : ' ');
    }
    text.push_back(line);
  }
  return text;
}

}  // namespace tandem::devices
