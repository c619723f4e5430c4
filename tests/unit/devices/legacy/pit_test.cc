#include "devices/legacy/pit.h"

#include <doctest/doctest.h>

#include "tests/unit/devices/legacy/rig.h"

namespace tandem::devices {
namespace {

constexpr u64 kMs = 1'000'000;

struct PitRig {
  InstructionClock clock{0};
  FakeIrqChip chip;
  Pit pit{clock, IrqLine(chip, 0)};

  void Program(u64 channel, u8 control, u16 count) {
    Out(pit, 3, control);
    Out(pit, channel, count & 0xff);
    Out(pit, channel, count >> 8);
  }
};

TEST_CASE("pit: mode 2 interrupts at its rate") {
  PitRig rig;
  rig.Program(0, 0x34, 11932);  // 100 Hz
  const int before = rig.chip.rises[0];
  for (int i = 0; i < 1000; ++i) {
    rig.clock.Advance(kMs);
  }
  CHECK_EQ(rig.chip.rises[0] - before, 99);
}

TEST_CASE("pit: mode 0 interrupts once and starts low") {
  PitRig rig;
  rig.Program(0, 0x30, 1193);
  CHECK_FALSE(rig.chip.lines[0]);
  rig.clock.Advance(5 * kMs);
  CHECK(rig.chip.lines[0]);
  rig.clock.Advance(50 * kMs);
  CHECK_EQ(rig.chip.rises[0], 1);
}

TEST_CASE("pit: channel 2 in mode 0 shows its end in port 0x61, and counts only while gated") {
  PitRig rig;
  Out(rig.pit, Pit::kControlOffset, 0);
  rig.Program(2, 0xb0, 11932);
  rig.clock.Advance(20 * kMs);
  CHECK_EQ(In(rig.pit, Pit::kControlOffset) & 0x20, 0);
  Out(rig.pit, Pit::kControlOffset, 1);
  rig.clock.Advance(9 * kMs);
  CHECK_EQ(In(rig.pit, Pit::kControlOffset) & 0x21, 0x01);
  rig.clock.Advance(2 * kMs);
  CHECK_EQ(In(rig.pit, Pit::kControlOffset) & 0x21, 0x21);
}

TEST_CASE("pit: a latched count stays until both bytes are read") {
  PitRig rig;
  rig.Program(0, 0x34, 0x8000);
  rig.clock.Advance(kMs);
  Out(rig.pit, 3, 0x00);
  rig.clock.Advance(kMs);
  const u64 count = In(rig.pit, 0) | In(rig.pit, 0) << 8;
  CHECK_EQ(count, 0x8000 - 1193);
}

TEST_CASE("pit: read-back gives status, then count") {
  PitRig rig;
  rig.Program(0, 0x34, 0x1234);
  Out(rig.pit, 3, 0xc2);
  CHECK_EQ(In(rig.pit, 0), 0xb4);
  CHECK_EQ(In(rig.pit, 0), 0x34);
  CHECK_EQ(In(rig.pit, 0), 0x12);
}

TEST_CASE("pit: the refresh bit of port 0x61 toggles") {
  PitRig rig;
  const u64 before = In(rig.pit, Pit::kControlOffset) & 0x10;
  rig.clock.Advance(15085);
  CHECK_NE(In(rig.pit, Pit::kControlOffset) & 0x10, before);
}

TEST_CASE("pit: the HPET takes the interrupt away") {
  PitRig rig;
  rig.pit.SetIrqEnabled(false);
  rig.Program(0, 0x34, 1193);
  rig.clock.Advance(50 * kMs);
  CHECK_EQ(rig.chip.rises[0], 0);
}

TEST_CASE("pit: another one that takes the state over ticks in step, without an edge of its own") {
  PitRig rig;
  rig.Program(0, 0x34, 11932);
  Out(rig.pit, Pit::kControlOffset, 0x0f);
  rig.clock.Advance(14 * kMs);
  const PitState state = rig.pit.SavePit();
  const int before = rig.chip.rises[0];
  PitRig other;
  other.clock.Advance(kMs);
  other.chip.lines[0] = true;  // as a chip that took its state over has it
  other.pit.LoadPit(state);
  CHECK_EQ(other.chip.rises[0], 0);
  other.clock.Advance(5 * kMs);
  CHECK_EQ(other.chip.rises[0], 0);
  other.clock.Advance(2 * kMs);
  CHECK_EQ(other.chip.rises[0], 1);
  CHECK_EQ(before, rig.chip.rises[0]);
  CHECK_EQ(In(other.pit, Pit::kControlOffset) & 0x0f, 0x0f);
}

TEST_CASE("pit: one that was never programmed leaves its line alone when its state is taken over") {
  PitRig rig, other;
  other.pit.LoadPit(rig.pit.SavePit());
  CHECK_FALSE(other.chip.lines[0]);
}

}  // namespace
}  // namespace tandem::devices
