#include "devices/pci/i440fx.h"

#include <doctest/doctest.h>

#include "devices/bus/instruction_clock.h"
#include "devices/pci/assign.h"
#include "devices/pci/piix3.h"
#include "devices/pci/piix4_pm.h"
#include "tests/unit/devices/pci/rig.h"

namespace tandem::devices {
namespace {

// The address spaces hold devices, so what these refer to is declared (and outlives them) first.
struct ChipsetRig {
  FakeIrqChip chip;
  InstructionClock clock{0};
  AddressSpace memory;
  AddressSpace ports;
  int shutdowns = 0;
  int suspends = 0;
  int wakes = 0;
  PirqRouter router{chip};
  std::shared_ptr<RamBlock> ram = *RamBlock::Create("ram", 0x200000);
  std::shared_ptr<RamBlock> bios = *RamBlock::Create("bios", 0x40000);
  ShadowRam shadow{memory, ram, bios};
  std::shared_ptr<AcpiPm> acpi = std::make_shared<AcpiPm>(
      clock, IrqLine(chip, 9),
      PowerRequests{[this] { ++shutdowns; }, [this] { ++suspends; }, [this] { ++wakes; }});
  std::shared_ptr<PciHost> host = std::make_shared<PciHost>(memory, ports, router, chip, [] {});

  ChipsetRig() {
    bios->data()[0x3fff0] = std::byte{0xea};
    bios->data()[0x20000] = std::byte{0x11};
    CHECK(host->Plug(0, 0, std::make_shared<I440fx>(shadow)).ok());
    CHECK(host->Plug(1, 0, std::make_shared<Piix3>(router)).ok());
    CHECK(host->Plug(1, 3, std::make_shared<Piix4Pm>(acpi)).ok());
    host->Reset();
  }
  void MapPm() {
    host->WriteConfig(PciDevfn(1, 3), 0x40, 4, 0x601);
    host->WriteConfig(PciDevfn(1, 3), 0x80, 1, 1);
  }
};

TEST_CASE("shadow: after reset the end of the BIOS shows below 1 MiB, open bus before it") {
  ChipsetRig rig;
  CHECK_EQ(ReadSpace(rig.memory, 0xffff0, 1), 0xea);
  CHECK_EQ(ReadSpace(rig.memory, 0xe0000, 1), 0x11);
  CHECK_EQ(ReadSpace(rig.memory, 0xc0000, 1), 0xff);
}

TEST_CASE("shadow: the four PAM states") {
  ChipsetRig rig;
  rig.ram->data()[0xffff0] = std::byte{0x22};
  const auto set = [&](u32 pam) { rig.host->WriteConfig(0, 0x59, 1, pam); };
  set(0x20);  // write only
  WriteSpace(rig.memory, 0xffff0, 1, 0x33);
  CHECK_EQ(ReadSpace(rig.memory, 0xffff0, 1), 0xea);
  CHECK_EQ(static_cast<int>(rig.ram->data()[0xffff0]), 0x33);
  set(0x10);  // read only
  WriteSpace(rig.memory, 0xffff0, 1, 0x44);
  CHECK_EQ(ReadSpace(rig.memory, 0xffff0, 1), 0x33);
  set(0x30);
  WriteSpace(rig.memory, 0xffff0, 1, 0x44);
  CHECK_EQ(ReadSpace(rig.memory, 0xffff0, 1), 0x44);
  set(0x00);
  CHECK_EQ(ReadSpace(rig.memory, 0xffff0, 1), 0xea);
}

TEST_CASE("shadow: each PAM register switches its own two segments") {
  ChipsetRig rig;
  rig.host->WriteConfig(0, 0x5e, 1, 0x30);
  CHECK_EQ(ReadSpace(rig.memory, 0xe0000, 1), 0x11);
  CHECK_EQ(ReadSpace(rig.memory, 0xe4000, 1), 0);
  WriteSpace(rig.memory, 0xe4000, 1, 0x55);
  CHECK_EQ(static_cast<int>(rig.ram->data()[0xe4000]), 0x55);
}

TEST_CASE("piix3: functions that share a PIRQ keep the line up until the last lets go") {
  ChipsetRig rig;
  rig.host->WriteConfig(PciDevfn(1, 0), 0x60, 1, 11);
  rig.router.SetIntx(PciDevfn(1, 0), 0, true);
  rig.router.SetIntx(PciDevfn(5, 0), 0, true);
  CHECK(rig.chip.lines[11]);
  rig.router.SetIntx(PciDevfn(1, 0), 0, false);
  CHECK(rig.chip.lines[11]);
  rig.host->WriteConfig(PciDevfn(1, 0), 0x60, 1, 10);
  CHECK_FALSE(rig.chip.lines[11]);
  CHECK(rig.chip.lines[10]);
  rig.router.SetIntx(PciDevfn(5, 0), 0, false);
  CHECK_FALSE(rig.chip.lines[10]);
}

TEST_CASE("acpi: the PM timer runs at 3.579545 MHz where PMBASE places it") {
  ChipsetRig rig;
  CHECK_EQ(ReadSpace(rig.ports, 0x608, 4), 0xffffffff);
  rig.MapPm();
  rig.clock.Advance(1'000'000'000);
  CHECK_EQ(ReadSpace(rig.ports, 0x608, 4), 3579545);
}

TEST_CASE("acpi: an alarm wakes from S3 if it is enabled, and is told afterwards") {
  ChipsetRig rig;
  rig.MapPm();
  rig.acpi->RaiseRtcAlarm();
  WriteSpace(rig.ports, 0x604, 2, 0x2401);
  CHECK_EQ(rig.suspends, 1);
  rig.acpi->RaiseRtcAlarm();
  CHECK_EQ(rig.wakes, 0);
  WriteSpace(rig.ports, 0x602, 2, 0x400);
  rig.acpi->RaiseRtcAlarm();
  CHECK_EQ(rig.wakes, 1);
  CHECK_EQ(rig.acpi->wake_status(), 0x400);
  rig.acpi->Reset();
  rig.acpi->ShowWake(0x400);
  CHECK_EQ(ReadSpace(rig.ports, 0x600, 2) & 0x8400, 0x8400);
}

TEST_CASE("acpi: the command port switches SCI_EN, sleep type 0 shuts down") {
  ChipsetRig rig;
  rig.MapPm();
  WriteSpace(rig.ports, 0xb2, 1, 0xf1);
  CHECK_EQ(ReadSpace(rig.ports, 0x604, 2), 1);
  WriteSpace(rig.ports, 0x604, 2, 0x2001);
  CHECK_EQ(rig.shutdowns, 1);
  WriteSpace(rig.ports, 0x604, 2, 0x2401);
  CHECK_EQ(rig.suspends, 1);
  WriteSpace(rig.ports, 0xb2, 1, 0xf0);
  CHECK_EQ(ReadSpace(rig.ports, 0x604, 2) & 1, 0);
}

TEST_CASE("acpi: the power button raises the SCI until its status is cleared") {
  ChipsetRig rig;
  rig.MapPm();
  WriteSpace(rig.ports, 0xb2, 1, 0xf1);
  WriteSpace(rig.ports, 0x602, 2, 0x100);
  rig.acpi->PressPowerButton();
  CHECK(rig.chip.lines[9]);
  CHECK_EQ(ReadSpace(rig.ports, 0x600, 2), 0x100);
  WriteSpace(rig.ports, 0x600, 2, 0x100);
  CHECK_FALSE(rig.chip.lines[9]);
}

TEST_CASE("acpi: the timer overflow raises the SCI when enabled") {
  ChipsetRig rig;
  rig.MapPm();
  WriteSpace(rig.ports, 0xb2, 1, 0xf1);
  WriteSpace(rig.ports, 0x602, 2, 1);
  rig.clock.Advance(2'000'000'000);
  CHECK_FALSE(rig.chip.lines[9]);
  rig.clock.Advance(400'000'000);
  CHECK(rig.chip.lines[9]);
  WriteSpace(rig.ports, 0x600, 2, 1);
  CHECK_FALSE(rig.chip.lines[9]);
}

TEST_CASE("pci: assigned resources decode without firmware") {
  ChipsetRig rig;
  auto elcr = std::make_shared<Register>();
  CHECK(rig.ports.MapIo(Gpa(0x4d0), 2, elcr).ok());
  AssignResources(*rig.host, rig.ports, {});
  CHECK_EQ(elcr->value, 0x0c);
  CHECK_EQ(rig.host->ReadConfig(PciDevfn(1, 3), 0x3c, 1), 9);
  CHECK_NE(ReadSpace(rig.ports, 0x608, 4), 0xffffffff);
  WriteSpace(rig.memory, 0xf0000, 1, 0x66);
  CHECK_EQ(static_cast<int>(rig.ram->data()[0xf0000]), 0x66);
}

}  // namespace
}  // namespace tandem::devices
