#include "devices/legacy/i8042.h"

#include <doctest/doctest.h>

#include "tests/unit/devices/legacy/rig.h"

namespace tandem::devices {
namespace {

constexpr u64 kCmd = I8042::kCommandOffset;

struct Rig8042 {
  FakeIrqChip chip;
  int resets = 0;
  I8042 kbc{IrqLine(chip, 1), IrqLine(chip, 12), [this] { ++resets; }};

  u64 Status() { return In(kbc, kCmd); }
  std::vector<u64> Drain() {
    std::vector<u64> bytes;
    while ((Status() & 1) != 0) {
      bytes.push_back(In(kbc, 0));
    }
    return bytes;
  }
  void CommandByte(u8 value) {
    Out(kbc, kCmd, 0x60);
    Out(kbc, 0, value);
  }
};

using Codes = std::vector<u64>;

TEST_CASE("i8042: self tests answer, the command byte reads back") {
  Rig8042 rig;
  Out(rig.kbc, kCmd, 0xaa);
  CHECK_EQ(rig.Drain(), Codes{0x55});
  Out(rig.kbc, kCmd, 0xab);
  CHECK_EQ(rig.Drain(), Codes{0x00});
  rig.CommandByte(0x61);
  Out(rig.kbc, kCmd, 0x20);
  CHECK_EQ(rig.Drain(), Codes{0x61});
}

TEST_CASE("i8042: keyboard reset and identification") {
  Rig8042 rig;
  Out(rig.kbc, 0, 0xff);
  CHECK_EQ(rig.Drain(), Codes{0xfa, 0xaa});
  Out(rig.kbc, 0, 0xf2);
  CHECK_EQ(rig.Drain(), Codes{0xfa, 0xab, 0x83});
  Out(rig.kbc, 0, 0xed);
  Out(rig.kbc, 0, 0x07);
  CHECK_EQ(rig.Drain(), Codes{0xfa, 0xfa});
}

TEST_CASE("i8042: keys in set 2, and translated to set 1") {
  Rig8042 rig;
  rig.kbc.Key(KeyCode::kA, true);
  rig.kbc.Key(KeyCode::kA, false);
  CHECK_EQ(rig.Drain(), Codes{0x1c, 0xf0, 0x1c});
  rig.CommandByte(0x41);
  rig.kbc.Key(KeyCode::kA, true);
  rig.kbc.Key(KeyCode::kA, false);
  rig.kbc.Key(KeyCode::kUp, true);
  rig.kbc.Key(KeyCode::kUp, false);
  rig.kbc.Key(KeyCode::kF7, true);
  CHECK_EQ(rig.Drain(), Codes{0x1e, 0x9e, 0xe0, 0x48, 0xe0, 0xc8, 0x41});
}

TEST_CASE("i8042: each byte is an interrupt of its own") {
  Rig8042 rig;
  rig.kbc.Key(KeyCode::kA, true);
  rig.kbc.Key(KeyCode::kA, false);
  CHECK(rig.chip.lines[1]);
  (void)rig.Drain();
  CHECK_EQ(rig.chip.rises[1], 3);
  CHECK_FALSE(rig.chip.lines[1]);
}

TEST_CASE("i8042: a disabled keyboard keeps its keys until it is enabled") {
  Rig8042 rig;
  Out(rig.kbc, kCmd, 0xad);
  rig.kbc.Key(KeyCode::kRet, true);
  CHECK_EQ(rig.Status() & 1, 0);
  Out(rig.kbc, kCmd, 0xae);
  CHECK_EQ(rig.Drain(), Codes{0x5a});
}

TEST_CASE("i8042: mouse bytes are marked and use IRQ 12; the wheel is unlocked by three rates") {
  Rig8042 rig;
  const auto mouse = [&](u8 value) {
    Out(rig.kbc, kCmd, 0xd4);
    Out(rig.kbc, 0, value);
  };
  for (const u8 value : {0xf3, 200, 0xf3, 100, 0xf3, 80}) {
    mouse(value);
  }
  CHECK_EQ(rig.Status() & 0x21, 0x21);
  CHECK_EQ(rig.Drain(), Codes(6, 0xfa));
  mouse(0xf2);
  CHECK_EQ(rig.Drain(), Codes{0xfa, 3});
  mouse(0xf4);
  (void)rig.Drain();
  rig.kbc.Pointer(5, -3, 1, kButtonLeft);
  CHECK(rig.chip.lines[12]);
  CHECK_EQ(rig.Drain(), Codes{0x09, 5, 3, 1});
}

TEST_CASE("i8042: the reset line by pulse and by output port") {
  Rig8042 rig;
  Out(rig.kbc, kCmd, 0xfe);
  CHECK_EQ(rig.resets, 1);
  Out(rig.kbc, kCmd, 0xd1);
  Out(rig.kbc, 0, 0xdf);
  CHECK_EQ(rig.resets, 1);
  Out(rig.kbc, kCmd, 0xd1);
  Out(rig.kbc, 0, 0xde);
  CHECK_EQ(rig.resets, 2);
}

TEST_CASE("i8042: a key flood overflows without harm") {
  Rig8042 rig;
  for (int i = 0; i < 1000; ++i) {
    rig.kbc.Key(KeyCode::kPause, true);
    rig.kbc.Pointer(100000000, 1, 1, 0);
  }
  CHECK_LE(rig.Drain().size(), 64 + 1);
}

TEST_CASE("keys: names as users type them") {
  CHECK(KeyCodeByName("ret") == KeyCode::kRet);
  CHECK(KeyCodeByName("nonsense") == std::nullopt);
}

}  // namespace
}  // namespace tandem::devices
