#include "devices/irqchip/apic_core.h"

#include <doctest/doctest.h>

#include "tests/unit/devices/irqchip/rig.h"

namespace tandem::devices {
namespace {

constexpr u32 kEoi = 0xb0;

TEST_CASE("ioapic: version, id and masked entries after reset") {
  ChipRig rig;
  CHECK_EQ(rig.IoApicRead(1), 0x00170020);
  CHECK_EQ(rig.IoApicRead(0x10), 0x10000);
  rig.IoApicWrite(0, 0xf000000);
  CHECK_EQ(rig.IoApicRead(0), 0xf000000);
}

TEST_CASE("ioapic: the ISA timer arrives on pin 2") {
  ChipRig rig;
  rig.EnableApics();
  rig.Route(2, 0x41, 1);
  rig.chip.SetLine(0, true);
  CHECK_EQ(rig.chip.TakeVector(1), 0x41);
  CHECK_FALSE(rig.chip.HasVector(0));
}

TEST_CASE("ioapic: a level interrupt is sent again at EOI while the line is high") {
  ChipRig rig;
  rig.EnableApics();
  rig.Route(11, 0x8061, 0);
  rig.chip.SetLine(11, true);
  CHECK_EQ(rig.IoApicRead(0x10 + 22) & 0x4000, 0x4000);
  CHECK_EQ(rig.chip.TakeVector(0), 0x61);
  CHECK_FALSE(rig.chip.HasVector(0));
  rig.apic(0).WriteRegister(kEoi, 0);
  CHECK_EQ(rig.chip.TakeVector(0), 0x61);
  rig.chip.SetLine(11, false);
  rig.apic(0).WriteRegister(kEoi, 0);
  CHECK_FALSE(rig.chip.HasVector(0));
  CHECK_EQ(rig.IoApicRead(0x10 + 22) & 0x4000, 0);
}

TEST_CASE("ioapic: unmasking a level pin whose line is high sends it") {
  ChipRig rig;
  rig.EnableApics();
  rig.Route(10, 0x18062, 0);
  rig.chip.SetLine(10, true);
  CHECK_FALSE(rig.chip.HasVector(0));
  rig.Route(10, 0x08062, 0);
  CHECK_EQ(rig.chip.TakeVector(0), 0x62);
}

TEST_CASE("ioapic: lowest priority takes turns and honours the task priority") {
  ChipRig rig;
  rig.EnableApics();
  rig.apic(0).WriteRegister(0xd0, 0x01000000);
  rig.apic(1).WriteRegister(0xd0, 0x02000000);
  rig.Route(5, 0x0951, 3);
  IrqLine(rig.chip, 5).Pulse();
  CHECK_EQ(rig.chip.TakeVector(0), 0x51);
  rig.apic(0).WriteRegister(kEoi, 0);
  IrqLine(rig.chip, 5).Pulse();
  CHECK_EQ(rig.chip.TakeVector(1), 0x51);
  rig.apic(1).WriteRegister(kEoi, 0);
  rig.apic(0).SetTaskPriority(2);
  IrqLine(rig.chip, 5).Pulse();
  CHECK(rig.chip.HasVector(1));
}

TEST_CASE("apic: after reset the bootstrap processor takes ExtINT through LINT0, others none") {
  ChipRig rig;
  CHECK_EQ(rig.apic(0).ReadRegister(0x350), 0x700);
  CHECK_EQ(rig.apic(1).ReadRegister(0x350), 0x10000);
  CHECK_EQ(*rig.apic(0).ReadMsr(0x1b), 0xfee00900);
  CHECK_EQ(*rig.apic(1).ReadMsr(0x1b), 0xfee00800);
  CHECK_EQ(rig.apic(1).ReadRegister(0x20), 0x01000000);
}

TEST_CASE("apic: a globally disabled APIC passes the 8259's interrupts") {
  ChipRig rig;
  rig.InitPics();
  rig.EnableApics();  // masks LINT0
  rig.chip.SetLine(1, true);
  CHECK_FALSE(rig.chip.HasVector(0));
  CHECK(rig.apic(0).WriteMsr(0x1b, 0xfee00100));
  CHECK_EQ(rig.chip.TakeVector(0), 0x31);
}

TEST_CASE("apic: task and in-service priorities hold lower classes back") {
  ChipRig rig;
  rig.EnableApics();
  rig.apic(0).SetTaskPriority(5);
  rig.chip.SendMsi({0xfee00000, 0x55});
  CHECK_FALSE(rig.chip.HasVector(0));
  rig.chip.SendMsi({0xfee00000, 0x61});
  CHECK_EQ(rig.chip.TakeVector(0), 0x61);
  CHECK_EQ(rig.apic(0).ReadRegister(0xa0), 0x60);
  rig.apic(0).SetTaskPriority(0);
  CHECK_FALSE(rig.chip.HasVector(0));
  rig.apic(0).WriteRegister(kEoi, 0);
  CHECK_EQ(rig.chip.TakeVector(0), 0x55);
}

TEST_CASE("apic: INIT and start-up IPIs reach the addressed processor") {
  ChipRig rig;
  rig.EnableApics();
  rig.apic(0).WriteRegister(0x310, 0x01000000);
  rig.apic(0).WriteRegister(0x300, 0xc500);
  rig.apic(0).WriteRegister(0x300, 0x8500);  // de-assert
  rig.apic(0).WriteRegister(0x300, 0x4699);
  CHECK_EQ(rig.signals.inits, std::vector<VcpuId>{1});
  REQUIRE_EQ(rig.signals.startups.size(), 1);
  CHECK_EQ(rig.signals.startups[0].first, 1);
  CHECK_EQ(rig.signals.startups[0].second, 0x99);
}

TEST_CASE("apic: xAPIC IDs can be written, INIT keeps them, x2APIC has its own") {
  ChipRig rig;
  rig.EnableApics();
  rig.apic(1).WriteRegister(0x20, 0x55000000);
  CHECK_EQ(rig.apic(1).ReadRegister(0x20), 0x55000000);
  rig.apic(0).WriteRegister(0x310, 0x55000000);
  rig.apic(0).WriteRegister(0x300, 0x40f0);
  CHECK_EQ(rig.chip.TakeVector(1), 0xf0);
  rig.apic(1).Reset();
  CHECK_EQ(rig.apic(1).ReadRegister(0x20), 0x55000000);
  REQUIRE(rig.apic(1).WriteMsr(0x1b, 0xfee00c00));
  CHECK_EQ(rig.apic(1).ReadMsr(0x802).value_or(0), 1);
}

TEST_CASE("apic: shorthands address self, all and others") {
  ChipRig rig;
  rig.EnableApics();
  rig.apic(0).WriteRegister(0x300, 0x440f0);
  CHECK_EQ(rig.chip.TakeVector(0), 0xf0);
  CHECK_FALSE(rig.chip.HasVector(1));
  rig.apic(0).WriteRegister(0x300, 0xc40f1);
  CHECK_FALSE(rig.chip.HasVector(0));
  CHECK_EQ(rig.chip.TakeVector(1), 0xf1);
  rig.apic(1).WriteRegister(0x300, 0x84400);
  CHECK_EQ(rig.signals.nmis.size(), 2);
}

TEST_CASE("apic: an illegal vector sets ESR once it is written") {
  ChipRig rig;
  rig.EnableApics();
  rig.apic(0).WriteRegister(0x300, 0x40005);
  CHECK_EQ(rig.apic(0).ReadRegister(0x280), 0);
  rig.apic(0).WriteRegister(0x280, 0);
  CHECK_EQ(rig.apic(0).ReadRegister(0x280), 0x20);
}

TEST_CASE("apic: software disable masks the LVT and drops messages") {
  ChipRig rig;
  rig.EnableApics();
  rig.apic(0).WriteRegister(0x320, 0x40);
  rig.apic(0).WriteRegister(0xf0, 0xff);
  CHECK_EQ(rig.apic(0).ReadRegister(0x320), 0x10040);
  rig.chip.SendMsi({0xfee00000, 0x55});
  CHECK_FALSE(rig.chip.HasVector(0));
}

TEST_CASE("apic: the one-shot timer counts down with its divider and fires once") {
  ChipRig rig;
  rig.EnableApics();
  rig.apic(0).WriteRegister(0x3e0, 3);  // 16
  rig.apic(0).WriteRegister(0x320, 0x40);
  rig.apic(0).WriteRegister(0x380, 100);
  rig.clock.Advance(800);
  CHECK_EQ(rig.apic(0).ReadRegister(0x390), 50);
  CHECK_FALSE(rig.chip.HasVector(0));
  rig.clock.Advance(800);
  CHECK_EQ(rig.chip.TakeVector(0), 0x40);
  CHECK_EQ(rig.apic(0).ReadRegister(0x390), 0);
  rig.apic(0).WriteRegister(kEoi, 0);
  rig.clock.Advance(10000);
  CHECK_FALSE(rig.chip.HasVector(0));
}

TEST_CASE("apic: the periodic timer fires each period until its count is cleared") {
  ChipRig rig;
  rig.EnableApics();
  rig.apic(0).WriteRegister(0x3e0, 0xb);  // 1
  rig.apic(0).WriteRegister(0x320, 0x20040);
  rig.apic(0).WriteRegister(0x380, 1000);
  for (int i = 0; i < 3; ++i) {
    rig.clock.Advance(1000);
    CHECK_EQ(rig.chip.TakeVector(0), 0x40);
    rig.apic(0).WriteRegister(kEoi, 0);
  }
  rig.apic(0).WriteRegister(0x380, 0);
  rig.clock.Advance(5000);
  CHECK_FALSE(rig.chip.HasVector(0));
}

TEST_CASE("apic: the TSC deadline fires at its time, clears itself, and fires at once when past") {
  ChipRig rig;
  rig.EnableApics();
  CHECK(rig.apic(0).WriteMsr(0x6e0, 500));
  CHECK_EQ(*rig.apic(0).ReadMsr(0x6e0), 0);  // not in this mode: ignored
  rig.apic(0).WriteRegister(0x320, 0x40040);
  CHECK(rig.apic(0).WriteMsr(0x6e0, 500));
  CHECK_EQ(*rig.apic(0).ReadMsr(0x6e0), 500);
  rig.clock.Advance(499);
  CHECK_FALSE(rig.chip.HasVector(0));
  rig.clock.Advance(1);
  CHECK_EQ(rig.chip.TakeVector(0), 0x40);
  CHECK_EQ(*rig.apic(0).ReadMsr(0x6e0), 0);
  rig.apic(0).WriteRegister(kEoi, 0);
  CHECK(rig.apic(0).WriteMsr(0x6e0, 1));
  rig.clock.Advance(0);
  CHECK(rig.chip.HasVector(0));
}

TEST_CASE("x2apic: MSRs exist only in that mode, reserved bits and read-only registers fault") {
  ChipRig rig;
  CHECK_EQ(rig.apic(1).ReadMsr(0x802), std::nullopt);
  rig.EnterX2(1);
  CHECK_EQ(*rig.apic(1).ReadMsr(0x802), 1);
  CHECK_EQ(*rig.apic(1).ReadMsr(0x80d), 2);
  CHECK_FALSE(rig.apic(1).WriteMsr(0x802, 1));
  CHECK_FALSE(rig.apic(1).WriteMsr(0x80b, 1));
  CHECK_FALSE(rig.apic(1).WriteMsr(0x808, 0x100));
  CHECK_EQ(rig.apic(1).ReadMsr(0x80e), std::nullopt);
  CHECK_EQ(rig.apic(1).ReadMsr(0x831), std::nullopt);
  CHECK(rig.apic(1).WriteMsr(0x80b, 0));
}

TEST_CASE("x2apic: the forbidden transitions of the base register fault") {
  ChipRig rig;
  CHECK_FALSE(rig.apic(0).WriteMsr(0x1b, 0xfee00500));  // x2 without enable
  rig.EnterX2(0);
  CHECK_FALSE(rig.apic(0).WriteMsr(0x1b, 0xfee00900));  // back to xAPIC
  CHECK(rig.apic(0).WriteMsr(0x1b, 0xfee00100));
  CHECK_FALSE(rig.apic(0).WriteMsr(0x1b, 0xfee00d00));  // disabled to x2
  CHECK(rig.apic(0).WriteMsr(0x1b, 0xfee00900));
}

TEST_CASE("x2apic: 64-bit ICR with physical, logical and self destinations") {
  ChipRig rig;
  for (VcpuId id : {0u, 1u}) {
    rig.EnterX2(id);
    CHECK(rig.apic(id).WriteMsr(0x80f, 0x1ff));
  }
  CHECK(rig.apic(0).WriteMsr(0x830, u64{1} << 32 | 0x70));
  CHECK_EQ(rig.chip.TakeVector(1), 0x70);
  CHECK(rig.apic(0).WriteMsr(0x830, u64{3} << 32 | 0x880));
  CHECK_EQ(rig.chip.TakeVector(0), 0x80);
  CHECK_EQ(rig.chip.TakeVector(1), 0x80);
  CHECK(rig.apic(0).WriteMsr(0x83f, 0x90));
  CHECK_EQ(rig.chip.TakeVector(0), 0x90);
  CHECK_FALSE(rig.chip.HasVector(1));
}

TEST_CASE("apic: cluster model matches cluster and member") {
  ChipRig rig;
  rig.EnableApics();
  for (VcpuId id : {0u, 1u}) {
    rig.apic(id).WriteRegister(0xe0, 0x0fffffff);
    rig.apic(id).WriteRegister(0xd0, id == 0 ? 0x11000000 : 0x21000000);
  }
  rig.chip.SendMsi({0xfee21004, 0x66});
  CHECK_FALSE(rig.chip.HasVector(0));
  CHECK(rig.chip.HasVector(1));
}

TEST_CASE("apic: INIT clears pending interrupts but keeps the base") {
  ChipRig rig;
  rig.EnableApics();
  rig.chip.SendMsi({0xfee01000, 0x66});
  CHECK(rig.chip.HasVector(1));
  rig.apic(1).Reset();
  CHECK_FALSE(rig.chip.HasVector(1));
  CHECK_EQ(rig.apic(1).ReadRegister(0xf0), 0xff);
  CHECK_EQ(*rig.apic(1).ReadMsr(0x1b), 0xfee00800);
}

TEST_CASE("irqchip: lines and messages that lead nowhere are ignored") {
  ChipRig rig;
  rig.chip.SetLine(99, true);
  rig.chip.SetLine(2, true);
  rig.chip.SendMsi({0xfec00000, 0x41});
  rig.chip.SendMsi({0xfee00000, 0x200});
  CHECK_FALSE(rig.chip.HasVector(0));
}

}  // namespace
}  // namespace tandem::devices
