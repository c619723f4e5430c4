#include "devices/pci/pci_host.h"

#include <doctest/doctest.h>

#include "devices/pci/msi.h"
#include "devices/pci/msix.h"
#include "tests/unit/devices/pci/rig.h"

namespace tandem::devices {
namespace {

class Card final : public PciDevice {
 public:
  std::shared_ptr<Register> memory_register = std::make_shared<Register>();
  std::shared_ptr<Register> port_register = std::make_shared<Register>();
  Msi msi{*this, 1};
  std::shared_ptr<Msix> msix = std::make_shared<Msix>(*this, 4, 4);

  Card() : PciDevice({.vendor = 0x1234, .device = 0x5678, .class_code = 0x020000}) {
    SetBar(0, DeviceBar(0x1000, BarKind::kMemory32, memory_register));
    SetBar(1, DeviceBar(0x20, BarKind::kPort, port_register));
    SetBar(2, DeviceBar(0x10000, BarKind::kMemory64, memory_register));
    SetBar(4, DeviceBar(Msix::kSize, BarKind::kMemory32, msix));
  }

 private:
  void OnConfigWrite(u32, u32) override {
    msi.OnConfigWrite();
    msix->OnConfigWrite();
  }
};

struct CardRig : PciRig {
  static constexpr u8 kDevfn = PciDevfn(3, 0);
  std::shared_ptr<Card> card = std::make_shared<Card>();
  CardRig() { CHECK(host->Plug(3, 0, card).ok()); }
};

TEST_CASE("pci: an absent function reads as all ones") {
  CardRig rig;
  CHECK_EQ(rig.Read(PciDevfn(4, 0), 0, 4), 0xffffffff);
  CHECK_EQ(rig.Read(CardRig::kDevfn, 0, 4), 0x56781234);
  CHECK_EQ(rig.Read(CardRig::kDevfn, 0x0b, 1), 2);
}

TEST_CASE("pci: sizing a BAR shows its mask and type bits") {
  CardRig rig;
  rig.Write(CardRig::kDevfn, 0x10, 4, 0xffffffff);
  rig.Write(CardRig::kDevfn, 0x14, 4, 0xffffffff);
  rig.Write(CardRig::kDevfn, 0x18, 4, 0xffffffff);
  rig.Write(CardRig::kDevfn, 0x1c, 4, 0xffffffff);
  CHECK_EQ(rig.Read(CardRig::kDevfn, 0x10, 4), 0xfffff000);
  CHECK_EQ(rig.Read(CardRig::kDevfn, 0x14, 4), 0xffffffe1);
  CHECK_EQ(rig.Read(CardRig::kDevfn, 0x18, 4), 0xffff0004);
  CHECK_EQ(rig.Read(CardRig::kDevfn, 0x1c, 4), 0xffffffff);
}

TEST_CASE("pci: the command register switches decoding, a new address moves it") {
  CardRig rig;
  rig.Write(CardRig::kDevfn, 0x10, 4, 0xe0000000);
  rig.Write(CardRig::kDevfn, 0x14, 4, 0xc000);
  CHECK_EQ(rig.memory.View()->Find(Gpa(0xe0000000)), nullptr);
  rig.Write(CardRig::kDevfn, pci::kCommand, 2, 3);
  WriteSpace(rig.memory, 0xe0000000, 1, 0x42);
  WriteSpace(rig.ports, 0xc000, 1, 0x43);
  CHECK_EQ(rig.card->memory_register->value, 0x42);
  CHECK_EQ(rig.card->port_register->value, 0x43);
  rig.Write(CardRig::kDevfn, 0x10, 4, 0xe1000000);
  CHECK_EQ(rig.memory.View()->Find(Gpa(0xe0000000)), nullptr);
  CHECK_NE(rig.memory.View()->Find(Gpa(0xe1000000)), nullptr);
  rig.host->Reset();
  CHECK_EQ(rig.memory.View()->ranges().size(), 0);
}

TEST_CASE("pci: a 64-bit BAR decodes above 4 GiB") {
  CardRig rig;
  rig.Write(CardRig::kDevfn, 0x18, 4, 0);
  rig.Write(CardRig::kDevfn, 0x1c, 4, 8);
  rig.Write(CardRig::kDevfn, pci::kCommand, 2, 2);
  CHECK_NE(rig.memory.View()->Find(Gpa(0x800000000)), nullptr);
}

TEST_CASE("pci: identity registers swallow writes") {
  CardRig rig;
  rig.Write(CardRig::kDevfn, 0, 4, 0);
  rig.Write(CardRig::kDevfn, pci::kClass, 1, 0xff);
  CHECK_EQ(rig.Read(CardRig::kDevfn, 0, 4), 0x56781234);
}

TEST_CASE("pci: a taken function is refused, a further one makes the first multifunction") {
  CardRig rig;
  CHECK_FALSE(rig.host->Plug(3, 0, std::make_shared<Card>()).ok());
  REQUIRE(rig.host->Plug(3, 1, std::make_shared<Card>()).ok());
  CHECK_EQ(rig.Read(CardRig::kDevfn, pci::kHeaderType, 1), 0x80);
  CHECK_EQ(rig.host->FreeSlot(3), 4);
}

TEST_CASE("pci: DMA needs bus master enable and never reaches a device") {
  CardRig rig;
  auto ram = *RamBlock::Create("ram", 0x1000);
  REQUIRE(rig.memory.MapRam(Gpa(0), 0x1000, ram, 0, false).ok());
  const std::array<std::byte, 1> data{std::byte{7}};
  CHECK_FALSE(rig.card->DmaWrite(Gpa(0), data));
  rig.Write(CardRig::kDevfn, pci::kCommand, 2, pci::kCommandMaster);
  CHECK(rig.card->DmaWrite(Gpa(0), data));
  CHECK_EQ(static_cast<int>(ram->data()[0]), 7);
  CHECK_FALSE(rig.card->DmaWrite(Gpa(0x100000), data));
}

TEST_CASE("pci: INTx shows in the status register and obeys the disable bit") {
  CardRig rig;
  rig.card->SetIntx(true);
  CHECK(rig.intx.levels[CardRig::kDevfn]);
  CHECK_EQ(rig.Read(CardRig::kDevfn, pci::kStatus, 2) & pci::kStatusInterrupt,
           pci::kStatusInterrupt);
  rig.Write(CardRig::kDevfn, pci::kCommand, 2, pci::kCommandIntxDisable);
  CHECK_FALSE(rig.intx.levels[CardRig::kDevfn]);
  rig.Write(CardRig::kDevfn, pci::kCommand, 2, 0);
  CHECK(rig.intx.levels[CardRig::kDevfn]);
}

TEST_CASE("pci: port 0xcf9 resets without disturbing the address register") {
  CardRig rig;
  rig.Select(CardRig::kDevfn, 0);
  WriteSpace(rig.ports, 0xcf9, 1, 2);
  WriteSpace(rig.ports, 0xcf9, 1, 6);
  CHECK_EQ(rig.resets, 1);
  CHECK_EQ(ReadSpace(rig.ports, 0xcfc, 4), 0x56781234);
}

TEST_CASE("msi: an enabled message is sent, a masked one waits") {
  CardRig rig;
  const u32 cap = 0x40;
  CHECK_EQ(rig.Read(CardRig::kDevfn, pci::kCapabilities, 1), cap);
  CHECK_EQ(rig.Read(CardRig::kDevfn, cap, 1), pci::kCapMsi);
  rig.Write(CardRig::kDevfn, pci::kCommand, 2, pci::kCommandMaster);
  rig.Write(CardRig::kDevfn, cap + 4, 4, 0xfee00000);
  rig.Write(CardRig::kDevfn, cap + 12, 2, 0x4041);
  rig.card->msi.Notify(0);
  CHECK(rig.chip.messages.empty());
  rig.Write(CardRig::kDevfn, cap + 2, 2, 1);
  rig.card->msi.Notify(0);
  REQUIRE_EQ(rig.chip.messages.size(), 1);
  CHECK_EQ(rig.chip.messages[0].data, 0x4041);
  rig.Write(CardRig::kDevfn, cap + 16, 4, 1);
  rig.card->msi.Notify(0);
  CHECK_EQ(rig.chip.messages.size(), 1);
  rig.Write(CardRig::kDevfn, cap + 16, 4, 0);
  CHECK_EQ(rig.chip.messages.size(), 2);
}

TEST_CASE("msix: a masked vector becomes pending and is sent when unmasked") {
  CardRig rig;
  const u32 cap = 0x58;
  CHECK_EQ(rig.Read(CardRig::kDevfn, cap, 1), pci::kCapMsix);
  CHECK_EQ(rig.Read(CardRig::kDevfn, cap + 2, 2), 3);
  rig.Write(CardRig::kDevfn, 0x20, 4, 0xe2000000);
  rig.Write(CardRig::kDevfn, pci::kCommand, 2, pci::kCommandMaster | pci::kCommandMemory);
  rig.Write(CardRig::kDevfn, cap + 2, 2, 0x8000);
  WriteSpace(rig.memory, 0xe2000010, 8, 0xfee01000);
  WriteSpace(rig.memory, 0xe2000018, 4, 0x55);
  rig.card->msix->Notify(1);
  rig.card->msix->Notify(99);
  CHECK(rig.chip.messages.empty());
  CHECK_EQ(ReadSpace(rig.memory, 0xe2000800, 8), 2);
  WriteSpace(rig.memory, 0xe200001c, 4, 0);
  REQUIRE_EQ(rig.chip.messages.size(), 1);
  CHECK_EQ(rig.chip.messages[0].address, 0xfee01000);
  CHECK_EQ(rig.chip.messages[0].data, 0x55);
  CHECK_EQ(ReadSpace(rig.memory, 0xe2000800, 8), 0);
}

}  // namespace
}  // namespace tandem::devices
