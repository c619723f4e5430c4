#include "devices/legacy/rtc.h"

#include <doctest/doctest.h>

#include "tests/unit/devices/legacy/rig.h"

namespace tandem::devices {
namespace {

constexpr u64 kSecond = 1'000'000'000;

struct RtcRig {
  InstructionClock clock{0};
  FakeIrqChip chip;
  Rtc rtc{clock, IrqLine(chip, 8), 1709217296};  // 2024-02-29 14:34:56, a Thursday

  u8 Get(u8 index) {
    Out(rtc, 0, index);
    return static_cast<u8>(In(rtc, 1));
  }
  void Put(u8 index, u8 value) {
    Out(rtc, 0, index);
    Out(rtc, 1, value);
  }
};

TEST_CASE("rtc: the date in BCD, 24 hours") {
  RtcRig rig;
  CHECK_EQ(rig.Get(0x00), 0x56);
  CHECK_EQ(rig.Get(0x02), 0x34);
  CHECK_EQ(rig.Get(0x04), 0x14);
  CHECK_EQ(rig.Get(0x06), 0x05);
  CHECK_EQ(rig.Get(0x07), 0x29);
  CHECK_EQ(rig.Get(0x08), 0x02);
  CHECK_EQ(rig.Get(0x09), 0x24);
  CHECK_EQ(rig.Get(0x32), 0x20);
  rig.clock.Advance(4 * kSecond);
  CHECK_EQ(rig.Get(0x00), 0x00);
  CHECK_EQ(rig.Get(0x02), 0x35);
}

TEST_CASE("rtc: binary and 12-hour modes") {
  RtcRig rig;
  rig.Put(0x0b, 0x04);
  CHECK_EQ(rig.Get(0x00), 56);
  CHECK_EQ(rig.Get(0x04), 0x82);
}

TEST_CASE("rtc: the time set under SET runs on from there") {
  RtcRig rig;
  rig.Put(0x0b, 0x82);
  rig.Put(0x00, 0x58);
  rig.Put(0x04, 0x23);
  rig.clock.Advance(5 * kSecond);
  CHECK_EQ(rig.Get(0x00), 0x58);
  rig.Put(0x0b, 0x02);
  rig.clock.Advance(3 * kSecond);
  CHECK_EQ(rig.Get(0x00), 0x01);
  CHECK_EQ(rig.Get(0x04), 0x23);
}

TEST_CASE("rtc: UIP is up just before the second changes") {
  RtcRig rig;
  CHECK_EQ(rig.Get(0x0a), 0x26);
  rig.clock.Advance(kSecond - 100'000);
  CHECK_EQ(rig.Get(0x0a), 0xa6);
  rig.clock.Advance(100'000);
  CHECK_EQ(rig.Get(0x0a), 0x26);
}

TEST_CASE("rtc: the update interrupt comes each second, reading C ends it") {
  RtcRig rig;
  rig.Put(0x0b, 0x12);
  rig.clock.Advance(kSecond);
  CHECK(rig.chip.lines[8]);
  CHECK_EQ(rig.Get(0x0c) & 0xbf, 0x90);
  CHECK_FALSE(rig.chip.lines[8]);
  CHECK_EQ(rig.Get(0x0c), 0);
  rig.clock.Advance(kSecond);
  CHECK(rig.chip.lines[8]);
}

TEST_CASE("rtc: the periodic interrupt comes at the selected rate") {
  RtcRig rig;
  rig.Put(0x0a, 0x26);  // 1024 Hz
  rig.Put(0x0b, 0x42);
  int count = 0;
  for (int i = 0; i < 10000; ++i) {
    rig.clock.Advance(kSecond / 10000);
    count += rig.chip.lines[8];
    (void)rig.Get(0x0c);
  }
  CHECK_EQ(count, 1024);
}

TEST_CASE("rtc: the alarm comes at its time, wildcards match anything") {
  RtcRig rig;
  rig.Put(0x01, 0x58);
  rig.Put(0x03, 0xff);
  rig.Put(0x05, 0xff);
  rig.Put(0x0b, 0x22);
  rig.clock.Advance(kSecond);
  CHECK_FALSE(rig.chip.lines[8]);
  rig.clock.Advance(kSecond);
  CHECK(rig.chip.lines[8]);
  CHECK_EQ(rig.Get(0x0c) & 0xbf, 0xb0);
}

TEST_CASE("rtc: flags can be polled without interrupts") {
  RtcRig rig;
  (void)rig.Get(0x0c);
  rig.clock.Advance(kSecond);
  CHECK_EQ(rig.Get(0x0c) & 0x10, 0x10);
}

TEST_CASE("rtc: memory keeps what the machine and the guest wrote, over a reset too") {
  RtcRig rig;
  rig.rtc.SetCmos(0x34, 0x12);
  rig.Put(0x38 | 0x80, 0x77);
  rig.rtc.Reset();
  CHECK_EQ(rig.Get(0x34), 0x12);
  CHECK_EQ(rig.rtc.GetCmos(0x38), 0x77);
  CHECK_EQ(rig.Get(0x0d), 0x80);
}

}  // namespace
}  // namespace tandem::devices
