#include "devices/legacy/uart.h"

#include <doctest/doctest.h>

#include "tests/unit/devices/legacy/rig.h"

namespace tandem::devices {
namespace {

struct UartRig {
  FakeIrqChip chip;
  FakeChar wire;
  Uart uart{IrqLine(chip, 4), wire};
  bool irq() { return chip.lines[4]; }
};

TEST_CASE("uart: a written character leaves at once and the transmitter is idle again") {
  UartRig rig;
  Out(rig.uart, 0, 'A');
  CHECK_EQ(rig.wire.written, "A");
  CHECK_EQ(In(rig.uart, 5), 0x60);
}

TEST_CASE("uart: enabling the transmitter interrupt while idle raises it, reading IIR ends it") {
  UartRig rig;
  Out(rig.uart, 1, 2);
  CHECK(rig.irq());
  CHECK_EQ(In(rig.uart, 2), 0x02);
  CHECK_FALSE(rig.irq());
  CHECK_EQ(In(rig.uart, 2), 0x01);
  Out(rig.uart, 1, 0);
  Out(rig.uart, 1, 2);
  CHECK_EQ(In(rig.uart, 2), 0x02);
  Out(rig.uart, 0, 'x');
  CHECK(rig.irq());
}

TEST_CASE("uart: the divisor latch hides data and interrupt enable") {
  UartRig rig;
  Out(rig.uart, 3, 0x83);
  Out(rig.uart, 0, 0x34);
  Out(rig.uart, 1, 0x12);
  CHECK_EQ(In(rig.uart, 0), 0x34);
  CHECK_EQ(In(rig.uart, 1), 0x12);
  Out(rig.uart, 3, 0x03);
  CHECK_EQ(In(rig.uart, 1), 0);
  CHECK_EQ(rig.wire.written, "");
}

TEST_CASE("uart: FIFOs show in IIR, fewer characters than the trigger give a time-out") {
  UartRig rig;
  Out(rig.uart, 2, 0x81);
  Out(rig.uart, 1, 1);
  CHECK_EQ(rig.wire.Type("abc"), 3);
  CHECK(rig.irq());
  CHECK_EQ(In(rig.uart, 2), 0xcc);
  rig.wire.Type("defgh");
  CHECK_EQ(In(rig.uart, 2), 0xc4);
  CHECK_EQ(In(rig.uart, 0), 'a');
  CHECK_EQ(In(rig.uart, 5) & 1, 1);
}

TEST_CASE("uart: a full FIFO holds input back and asks for more when it is empty") {
  UartRig rig;
  Out(rig.uart, 2, 0x01);
  CHECK_EQ(rig.wire.Type("0123456789abcdefXYZ"), 16);
  CHECK_EQ(rig.wire.Type("X"), 0);
  const int resumes = rig.wire.resumes;
  for (int i = 0; i < 16; ++i) {
    (void)In(rig.uart, 0);
  }
  CHECK_EQ(rig.wire.resumes, resumes + 1);
  CHECK_EQ(rig.wire.Type("X"), 1);
}

TEST_CASE("uart: loopback returns modem lines and characters, a full FIFO drops the newest") {
  UartRig rig;
  Out(rig.uart, 2, 0x01);
  Out(rig.uart, 4, 0x1a);
  CHECK_EQ(In(rig.uart, 6) & 0xf0, 0x90);
  for (int i = 0; i < 17; ++i) {
    Out(rig.uart, 0, static_cast<u64>(i));
  }
  CHECK_EQ(rig.wire.written, "");
  CHECK_EQ(In(rig.uart, 5), 0x63);
  CHECK_EQ(In(rig.uart, 5), 0x61);
  CHECK_EQ(In(rig.uart, 0), 0);
}

TEST_CASE("uart: interrupt enable and scratch keep what a probe writes") {
  UartRig rig;
  Out(rig.uart, 1, 0xff);
  CHECK_EQ(In(rig.uart, 1), 0x0f);
  Out(rig.uart, 7, 0xa5);
  CHECK_EQ(In(rig.uart, 7), 0xa5);
}

TEST_CASE("uart: a break is a zero with its line status interrupt") {
  UartRig rig;
  Out(rig.uart, 1, 4);
  rig.wire.receiver->OnCharEvent(CharEvent::kBreak);
  CHECK_EQ(In(rig.uart, 2), 0x06);
  CHECK_EQ(In(rig.uart, 5), 0x71);
  CHECK_FALSE(rig.irq());
}

}  // namespace
}  // namespace tandem::devices
