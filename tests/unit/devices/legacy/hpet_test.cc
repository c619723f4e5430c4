#include "devices/legacy/hpet.h"

#include <doctest/doctest.h>

#include "devices/legacy/debug_ports.h"
#include "devices/legacy/dma8237.h"
#include "devices/legacy/parallel.h"
#include "tests/unit/devices/legacy/rig.h"

namespace tandem::devices {
namespace {

struct HpetRig {
  InstructionClock clock{0};
  FakeIrqChip chip;
  bool is_legacy = false;
  Hpet hpet{clock, chip, [this](bool legacy) { is_legacy = legacy; }};
};

TEST_CASE("hpet: capabilities tell a 10 ns period and three 64-bit timers") {
  HpetRig rig;
  CHECK_EQ(In(rig.hpet, 0, 8), 0x009896808086a201);
  CHECK_EQ(In(rig.hpet, 4, 4), 10000000);
  CHECK_EQ(In(rig.hpet, 0x100, 8), 0x0000000400000030);
}

TEST_CASE("hpet: the counter runs while enabled and can be set while stopped") {
  HpetRig rig;
  Out(rig.hpet, 0xf0, 1000, 8);
  rig.clock.Advance(1000);
  CHECK_EQ(In(rig.hpet, 0xf0, 8), 1000);
  Out(rig.hpet, 0x10, 1, 4);
  rig.clock.Advance(1000);
  CHECK_EQ(In(rig.hpet, 0xf0, 8), 1100);
}

TEST_CASE("hpet: a one-shot in legacy mode drives the timer interrupt once") {
  HpetRig rig;
  Out(rig.hpet, 0x10, 3, 4);
  CHECK(rig.is_legacy);
  Out(rig.hpet, 0x100, 0x4, 4);
  Out(rig.hpet, 0x108, 500, 4);
  Out(rig.hpet, 0x10c, 0, 4);
  rig.clock.Advance(4990);
  CHECK_EQ(rig.chip.rises[0], 0);
  rig.clock.Advance(10);
  CHECK_EQ(rig.chip.rises[0], 1);
  rig.clock.Advance(100000);
  CHECK_EQ(rig.chip.rises[0], 1);
}

TEST_CASE("hpet: periodic mode as Linux programs it") {
  HpetRig rig;
  Out(rig.hpet, 0x10, 3, 4);
  Out(rig.hpet, 0x100, 0x14c, 4);  // 32-bit, VAL_SET, periodic, enabled
  Out(rig.hpet, 0x108, 100, 4);
  Out(rig.hpet, 0x108, 100, 4);
  for (int i = 0; i < 10; ++i) {
    rig.clock.Advance(1000);
  }
  CHECK_EQ(rig.chip.rises[0], 10);
}

TEST_CASE("hpet: a level interrupt stays until its status is cleared") {
  HpetRig rig;
  Out(rig.hpet, 0x10, 1, 4);
  Out(rig.hpet, 0x100, 0x406, 4);
  Out(rig.hpet, 0x108, 10, 8);
  rig.clock.Advance(200);
  CHECK(rig.chip.lines[0]);
  CHECK_EQ(In(rig.hpet, 0x20, 4), 1);
  Out(rig.hpet, 0x20, 1, 4);
  CHECK_FALSE(rig.chip.lines[0]);
}

TEST_CASE("debug console: bytes reach the back end, reads identify it") {
  FakeChar wire;
  DebugConsole console(wire);
  Out(console, 0, 'h');
  CHECK_EQ(wire.written, "h");
  CHECK_EQ(In(console, 0), 0xe9);
}

TEST_CASE("debug exit: the status is odd and carries the value") {
  int status = -1;
  DebugExit exit_port([&](int value) { status = value; });
  Out(exit_port, 0, 0x10, 4);
  CHECK_EQ(status, 0x21);
}

TEST_CASE("port 0x92: bit 0 going up resets, A20 reads back") {
  int resets = 0;
  ControlPortA port([&] { ++resets; });
  CHECK_EQ(In(port, 0), 2);
  Out(port, 0, 2);
  CHECK_EQ(resets, 0);
  Out(port, 0, 3);
  CHECK_EQ(resets, 1);
}

TEST_CASE("parallel: the strobe prints the byte") {
  FakeIrqChip chip;
  FakeChar wire;
  ParallelPort port(IrqLine(chip, 7), wire);
  Out(port, 0, 'p');
  Out(port, 2, 0x0d);
  Out(port, 2, 0x0c);
  CHECK_EQ(wire.written, "p");
  CHECK_EQ(In(port, 1) & 0x80, 0x80);
}

TEST_CASE("dma: registers are read and written through the flip-flop") {
  Dma8237 dma(0);
  Out(dma, 12, 0);
  Out(dma, 0, 0x34);
  Out(dma, 0, 0x12);
  Out(dma, 12, 0);
  CHECK_EQ(In(dma, 0), 0x34);
  CHECK_EQ(In(dma, 0), 0x12);
}

}  // namespace
}  // namespace tandem::devices
