#include "devices/display/std_vga.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "devices/pci/pci_host.h"

namespace tandem::devices {
namespace {

class NoIrqs final : public IrqChip {
 public:
  void SetLine(Gsi, bool) override {}
  void SendMsi(MsiMessage) override {}
  std::optional<u8> TakeVector(VcpuId) override { return std::nullopt; }
  bool HasVector(VcpuId) const override { return false; }
  LocalApic* Apic(VcpuId) override { return nullptr; }
  void Reset() override {}
};

class NoIntx final : public IntxSink {
  void SetIntx(u8, u8, bool) override {}
};

// The adapter in slot 2 with BAR 0 at 0xf0000000 and BAR 2 at 0xf2000000.
struct Bench {
  Bench() : host(memory, ports, intx, irqs, [] {}), vga(*StdVga::Create(nullptr)) {
    REQUIRE(host.Plug(2, 0, vga).ok());
    host.WriteConfig(PciDevfn(2, 0), 0x10, 4, 0xf0000000);
    host.WriteConfig(PciDevfn(2, 0), 0x18, 4, 0xf2000000);
    host.WriteConfig(PciDevfn(2, 0), 0x04, 2, 3);
  }
  static void Put(AddressSpace& space, u64 at, u64 value, size_t size) {
    std::array<std::byte, 8> bytes;
    SetAccessValue(bytes, value);
    (void)space.View()->Write(Gpa(at), std::span(bytes).first(size));
  }
  static u32 Get(AddressSpace& space, u64 at, size_t size) {
    std::array<std::byte, 4> bytes{};
    (void)space.View()->Read(Gpa(at), std::span(bytes).first(size));
    return static_cast<u32>(AccessValue(std::span(bytes).first(size)));
  }
  void Out(u64 port, u64 value, size_t size = 1) { Put(ports, port, value, size); }
  u32 In(u64 port, size_t size = 1) { return Get(ports, port, size); }
  void Poke(u64 at, u64 value, size_t size = 1) { Put(memory, at, value, size); }
  u32 Peek(u64 at, size_t size = 1) { return Get(memory, at, size); }
  void Vbe(u16 index, u16 value) {
    Out(0x1ce, index, 2);
    Out(0x1cf, value, 2);
  }
  void Graphics(u8 index, u8 value) { Out(0x3ce, index | value << 8, 2); }
  void Sequencer(u8 index, u8 value) { Out(0x3c4, index | value << 8, 2); }
  void Crtc(u8 index, u8 value) { Out(0x3d4, index | value << 8, 2); }
  void Colour(u8 index, u8 red, u8 green, u8 blue) {
    Out(0x3c8, index);
    for (const u8 part : {red, green, blue}) {
      Out(0x3c9, part);
    }
  }
  // Mode 3 as a BIOS sets it, with palette entry i = DAC entry i.
  void TextMode() {
    Out(0x3c2, 0x67);
    for (const auto& [index, value] :
         {std::pair<u8, u8>{1, 79}, {7, 0x1f}, {9, 0x4f}, {0x12, 0x8f}, {0x13, 40}, {0x0a, 0x20}}) {
      Crtc(index, value);
    }
    Sequencer(1, 1);
    Sequencer(2, 3);
    Graphics(5, 0x10);
    Graphics(6, 0x0e);
    (void)In(0x3da);
    for (u8 i = 0; i < 16; ++i) {
      Out(0x3c0, i);
      Out(0x3c0, i);
    }
    Out(0x3c0, 0x12);
    Out(0x3c0, 0x0f);
  }
  void PlanarMode() {
    TextMode();
    Sequencer(2, 0xf);
    Graphics(5, 0);
    Graphics(6, 0x05);
    Graphics(8, 0xff);
    Crtc(9, 0x40);
  }

  AddressSpace memory;
  AddressSpace ports;
  NoIrqs irqs;
  NoIntx intx;
  PciHost host;
  std::shared_ptr<StdVga> vga;
};

TEST_CASE("vga: characters written at 0xb8000 are on the text screen") {
  Bench bench;
  bench.TextMode();
  bench.Poke(0xb8000, 0x0748, 2);
  bench.Poke(0xb80a2, 0x0769, 2);
  const auto text = bench.vga->TextScreen();
  REQUIRE_EQ(text.size(), 25);
  CHECK_EQ(text[0].size(), 80);
  CHECK_EQ(text[0][0], 'H');
  CHECK_EQ(text[1][1], 'i');
}

TEST_CASE("vga: text is drawn with the font in plane 2") {
  Bench bench;
  bench.TextMode();
  bench.Colour(7, 0x2a, 0x2a, 0x2a);
  bench.Poke(0xb8000, 0x0741, 2);
  bench.Sequencer(2, 4);
  bench.Sequencer(4, 6);
  bench.Graphics(5, 0);
  bench.Graphics(6, 4);
  bench.Graphics(8, 0xff);
  bench.Poke(0xa0000 + 'A' * 32, 0x81);
  bench.Graphics(6, 0x0e);
  Surface surface;
  bench.vga->Render(surface);
  CHECK_EQ(surface.width, 640);
  CHECK_EQ(surface.height, 400);
  CHECK_EQ(surface.At(0, 0), 0xaaaaaa);
  CHECK_EQ(surface.At(1, 0), 0);
  CHECK_EQ(surface.At(7, 0), 0xaaaaaa);
}

TEST_CASE("vga: write mode 0 obeys map mask, bit mask and the latches") {
  Bench bench;
  bench.PlanarMode();
  bench.Poke(0xa0000, 0xff);
  (void)bench.Peek(0xa0000);
  bench.Graphics(8, 0x0f);
  bench.Sequencer(2, 1);
  bench.Poke(0xa0000, 0);
  CHECK_EQ(bench.Peek(0xa0000), 0xf0);
  bench.Graphics(4, 1);
  CHECK_EQ(bench.Peek(0xa0000), 0xff);
}

TEST_CASE("vga: write mode 1 copies the latches, mode 2 expands a colour") {
  Bench bench;
  bench.PlanarMode();
  bench.Graphics(5, 2);
  bench.Poke(0xa0000, 0x5);
  bench.Graphics(5, 1);
  (void)bench.Peek(0xa0000);
  bench.Poke(0xa0010, 0);
  const u8 expected[] = {0xff, 0, 0xff, 0};
  for (u8 plane = 0; plane < 4; ++plane) {
    bench.Graphics(4, plane);
    CHECK_EQ(bench.Peek(0xa0010), expected[plane]);
  }
}

TEST_CASE("vga: write mode 3 takes its bit mask from the data") {
  Bench bench;
  bench.PlanarMode();
  bench.Graphics(0, 0xf);
  bench.Graphics(5, 3);
  bench.Poke(0xa0000, 0x3c);
  CHECK_EQ(bench.Peek(0xa0000), 0x3c);
}

TEST_CASE("vga: read mode 1 compares colours") {
  Bench bench;
  bench.PlanarMode();
  bench.Graphics(5, 2);
  bench.Poke(0xa0000, 0x6);
  bench.Graphics(2, 0x6);
  bench.Graphics(7, 0xf);
  bench.Graphics(5, 8);
  CHECK_EQ(bench.Peek(0xa0000), 0xff);
  bench.Graphics(2, 0x7);
  CHECK_EQ(bench.Peek(0xa0000), 0);
}

TEST_CASE("vga: planar graphics come out in the palette's colours") {
  Bench bench;
  bench.PlanarMode();
  bench.Colour(5, 0x3f, 0, 0x3f);
  bench.Graphics(5, 2);
  bench.Poke(0xa0000, 0x5);
  bench.Graphics(5, 0);
  Surface surface;
  bench.vga->Render(surface);
  CHECK_EQ(surface.At(0, 0), 0xff00ff);
  CHECK_EQ(surface.width, 640);
}

TEST_CASE("vga: mode 13h is 320 by 200 with a byte a pixel") {
  Bench bench;
  bench.TextMode();
  bench.Sequencer(2, 0xf);
  bench.Sequencer(4, 0x0e);
  bench.Graphics(5, 0x40);
  bench.Graphics(6, 0x05);
  bench.Crtc(9, 0x41);
  bench.Colour(200, 0x3f, 0x3f, 0);
  bench.Poke(0xa0000 + 321, 200);
  Surface surface;
  bench.vga->Render(surface);
  CHECK_EQ(surface.width, 320);
  CHECK_EQ(surface.height, 200);
  CHECK_EQ(surface.At(1, 1), 0xffff00);
}

TEST_CASE("vbe: a 32-bit mode shows the linear framebuffer") {
  Bench bench;
  CHECK_EQ((bench.Out(0x1ce, 0, 2), bench.In(0x1cf, 2)), 0xb0c5);
  bench.Vbe(1, 800);
  bench.Vbe(2, 600);
  bench.Vbe(3, 32);
  bench.Vbe(4, 0x41);
  bench.Poke(0xf0000000 + (800 * 2 + 3) * 4, 0x123456, 4);
  Surface surface;
  bench.vga->Render(surface);
  CHECK_EQ(surface.width, 800);
  CHECK_EQ(surface.At(3, 2), 0x123456);
  CHECK(bench.vga->TextScreen().empty());
}

TEST_CASE("vbe: 15, 16 and 24 bits a pixel") {
  const struct {
    u16 bits;
    u32 value;
  } cases[] = {{15, 0x7c00}, {16, 0xf800}, {24, 0xff0000}};
  for (const auto& [bits, value] : cases) {
    Bench bench;
    bench.Vbe(1, 640);
    bench.Vbe(2, 480);
    bench.Vbe(3, bits);
    bench.Vbe(4, 0x41);
    bench.Poke(0xf0000000, value, 4);
    Surface surface;
    bench.vga->Render(surface);
    CHECK_EQ(surface.At(0, 0), 0xff0000);
  }
}

TEST_CASE("vbe: registers in BAR 2 are the ports' registers") {
  Bench bench;
  bench.Poke(0xf2000502, 1024, 2);
  bench.Out(0x1ce, 1, 2);
  CHECK_EQ(bench.In(0x1cf, 2), 1024);
  CHECK_EQ(bench.Peek(0xf2000500, 2), 0xb0c5);
}

TEST_CASE("vbe: absurd geometry never reaches outside of memory") {
  Bench bench;
  bench.Vbe(1, 0xffff);
  bench.Vbe(2, 0xffff);
  bench.Vbe(3, 32);
  bench.Vbe(4, 0x41);
  bench.Vbe(6, 0xffff);
  bench.Vbe(9, 0xffff);
  bench.Vbe(8, 0xffff);
  Surface surface;
  bench.vga->Render(surface);
  CHECK_LE(u64{surface.width} * surface.height * 4, StdVga::kMemorySize);
}

TEST_CASE("vbe: the bank moves the window at 0xa0000") {
  Bench bench;
  bench.Vbe(1, 1024);
  bench.Vbe(2, 768);
  bench.Vbe(3, 8);
  bench.Vbe(4, 0x01);
  bench.Vbe(5, 3);
  bench.Poke(0xa0005, 0x77);
  CHECK_EQ(bench.Peek(0xf0030005), 0x77);
}

TEST_CASE("vga: the input status toggles its retrace bits") {
  Bench bench;
  bench.Out(0x3c2, 1);
  CHECK_NE(bench.In(0x3da) & 8, bench.In(0x3da) & 8);
}

TEST_CASE("vga: unprogrammed registers still give some picture") {
  Bench bench;
  Surface surface;
  bench.vga->Render(surface);
  CHECK_GT(surface.pixels.size(), 0);
}

TEST_CASE("display: a screen dump is a portable pixmap") {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/screen.ppm";
  Surface surface;
  surface.Resize(1, 1);
  surface.pixels[0] = 0x414243;
  REQUIRE(WritePpm(surface, path).ok());
  std::ifstream file(path);
  std::string all(std::istreambuf_iterator<char>(file), {});
  CHECK_EQ(all, "P6\n1 1\n255\nABC");
}

}  // namespace
}  // namespace tandem::devices
