// Lines that are high until the guest has ended their interrupt.
#include <doctest/doctest.h>

#include "tests/unit/devices/irqchip/rig.h"

namespace tandem::devices {
namespace {

constexpr u32 kLevelPin = 20, kLevelIrq = 11;
constexpr u64 kEoi = 0xb0;

struct LatchRig : ChipRig {
  LatchRig() {
    chip.SetLatchEndHandler([this](Gsi gsi) { ended.push_back(gsi); });
  }
  // Pin 20: level-triggered vector 0x54 to the first processor.
  void UsePin() {
    EnableApics();
    Route(kLevelPin, 0x8054, 0);
  }
  // Input 11 of the 8259s: level-triggered vector 0x3b.
  void UsePics(u8 icw4 = 0x01) {
    Out(*elcr, 1, 1u << (kLevelIrq - 8));
    InitPics(icw4);
  }
  void EndPics() {
    Out(*slave, 0, 0x20);
    Out(*master, 0, 0x20);
  }

  std::vector<Gsi> ended;
};

}  // namespace

TEST_CASE("latch: a pin of the I/O APIC interrupts once for each") {
  LatchRig rig;
  rig.UsePin();
  for (size_t round = 1; round <= 2; ++round) {
    rig.chip.SetLatch(kLevelPin, true);
    REQUIRE_EQ(rig.chip.TakeVector(0), 0x54);
    CHECK_EQ(rig.ended.size(), round - 1);
    rig.apic(0).WriteRegister(kEoi, 0);
    CHECK_EQ(rig.ended.size(), round);
    CHECK_EQ(rig.ended.back(), kLevelPin);
    CHECK_FALSE(rig.chip.HasVector(0));
  }
}

TEST_CASE("latch: the line stays high while its device says so") {
  LatchRig rig;
  rig.UsePin();
  rig.chip.SetLine(kLevelPin, true);
  rig.chip.SetLatch(kLevelPin, true);
  REQUIRE_EQ(rig.chip.TakeVector(0), 0x54);
  rig.apic(0).WriteRegister(kEoi, 0);
  CHECK_EQ(rig.ended.size(), 1);
  REQUIRE_EQ(rig.chip.TakeVector(0), 0x54);
  rig.chip.SetLine(kLevelPin, false);
  rig.apic(0).WriteRegister(kEoi, 0);
  CHECK_FALSE(rig.chip.HasVector(0));
  CHECK_EQ(rig.ended.size(), 1);
}

TEST_CASE("latch: a device that lowers its line does not lower the latch, who set it does") {
  LatchRig rig;
  rig.Route(kLevelPin, 0x18054, 0);  // masked
  rig.EnableApics();
  rig.chip.SetLatch(kLevelPin, true);
  rig.chip.SetLine(kLevelPin, true);
  rig.chip.SetLine(kLevelPin, false);
  rig.Route(kLevelPin, 0x8054, 0);
  REQUIRE_EQ(rig.chip.TakeVector(0), 0x54);
  rig.chip.SetLatch(kLevelPin, false);
  rig.apic(0).WriteRegister(kEoi, 0);
  CHECK_FALSE(rig.chip.HasVector(0));
  CHECK(rig.ended.empty());
}

TEST_CASE("latch: the end of an 8259 interrupt ends it") {
  LatchRig rig;
  rig.UsePics();
  rig.chip.SetLatch(kLevelIrq, true);
  REQUIRE_EQ(rig.chip.TakeVector(0), 0x3b);
  CHECK(rig.ended.empty());
  rig.EndPics();
  CHECK(rig.ended == std::vector<Gsi>{kLevelIrq});
  CHECK_FALSE(rig.chip.HasVector(0));
}

TEST_CASE("latch: with automatic ends the 8259's acknowledgement ends it") {
  LatchRig rig;
  rig.UsePics(0x03);
  rig.chip.SetLatch(kLevelIrq, true);
  REQUIRE_EQ(rig.chip.TakeVector(0), 0x3b);
  CHECK(rig.ended == std::vector<Gsi>{kLevelIrq});
  CHECK_FALSE(rig.chip.HasVector(0));
}

TEST_CASE("latch: other lines' interrupts end nothing") {
  LatchRig rig;
  rig.UsePics();
  rig.UsePin();
  rig.chip.SetLatch(kLevelPin, true);
  REQUIRE_EQ(rig.chip.TakeVector(0), 0x54);
  rig.chip.SetLatch(kLevelIrq, true);
  rig.apic(0).WriteRegister(kEoi, 0);
  CHECK(rig.ended == std::vector<Gsi>{kLevelPin});
}

TEST_CASE("latch: controllers that take over know which lines are high by their devices") {
  LatchRig old;
  old.UsePin();
  old.chip.SetLine(kLevelPin, true);
  LatchRig rig;
  rig.chip.Load(old.chip.Save());
  rig.chip.SetLatch(kLevelPin, true);
  REQUIRE_EQ(rig.chip.TakeVector(0), 0x54);
  rig.apic(0).WriteRegister(kEoi, 0);
  CHECK_EQ(rig.ended.size(), 1);
  CHECK_EQ(rig.chip.TakeVector(0), 0x54);
}

TEST_CASE("latch: a reset lowers it") {
  LatchRig rig;
  rig.chip.SetLatch(kLevelPin, true);
  rig.chip.Reset();
  rig.UsePin();
  CHECK_FALSE(rig.chip.HasVector(0));
}

}  // namespace tandem::devices
