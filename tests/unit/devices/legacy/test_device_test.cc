#include "devices/legacy/test_device.h"

#include "tests/unit/devices/legacy/rig.h"

// clang-format off: doctest defines CHECK anew, so it comes last
#include <doctest/doctest.h>
// clang-format on

namespace tandem::devices {

TEST_CASE("pc-testdev: the latch keeps bytes of any width") {
  TestLatch latch;
  Out(latch, 0, 0x11223344, 4);
  CHECK_EQ(In(latch, 2), 0x22);
  Out(latch, 1, 0xabcd, 2);
  CHECK_EQ(In(latch, 0, 4), 0x11abcd44);
}

TEST_CASE("pc-testdev: a byte for each interrupt line") {
  FakeIrqChip chip;
  std::vector<IrqLine> lines;
  for (u32 irq = 0; irq < TestIrqLines::kLength; ++irq) {
    lines.emplace_back(chip, irq);
  }
  TestIrqLines device(lines);
  Out(device, 11, 1, 4);  // this line and the three behind it
  CHECK(chip.lines[11]);
  CHECK_FALSE(chip.lines[12]);
  Out(device, 11, 0);
  CHECK_FALSE(chip.lines[11]);
  CHECK_EQ(chip.rises[11], 1);
}

TEST_CASE("pc-testdev: its memory keeps what is written, until a reset") {
  TestMemory memory;
  Out(memory, TestMemory::kLength - 8, 0x1122334455667788, 8);
  CHECK_EQ(In(memory, TestMemory::kLength - 4, 4), 0x11223344);
  memory.Reset();
  CHECK_EQ(In(memory, TestMemory::kLength - 8, 8), 0);
}

}  // namespace tandem::devices
