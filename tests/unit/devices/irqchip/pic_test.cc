#include "devices/irqchip/pic.h"

#include <doctest/doctest.h>

#include "tests/unit/devices/irqchip/rig.h"

namespace tandem::devices {
namespace {

TEST_CASE("pic: an edge reaches the bootstrap processor with the programmed vector") {
  ChipRig rig;
  rig.InitPics();
  rig.chip.SetLine(4, true);
  CHECK(rig.chip.HasVector(0));
  CHECK_FALSE(rig.chip.HasVector(1));
  CHECK_EQ(rig.signals.pending, std::vector<VcpuId>{0});
  CHECK_EQ(rig.chip.TakeVector(0), 0x34);
  CHECK_FALSE(rig.chip.HasVector(0));
}

TEST_CASE("pic: a pulse stays latched") {
  ChipRig rig;
  rig.InitPics();
  IrqLine(rig.chip, 0).Pulse();
  CHECK_EQ(rig.chip.TakeVector(0), 0x30);
}

TEST_CASE("pic: a lower input waits for the end of the higher one") {
  ChipRig rig;
  rig.InitPics();
  rig.chip.SetLine(1, true);
  CHECK_EQ(rig.chip.TakeVector(0), 0x31);
  rig.chip.SetLine(5, true);
  CHECK_FALSE(rig.chip.HasVector(0));
  rig.chip.SetLine(0, true);
  CHECK_EQ(rig.chip.TakeVector(0), 0x30);
  ChipRig::Out(*rig.master, 0, 0x20);
  ChipRig::Out(*rig.master, 0, 0x20);
  CHECK_EQ(rig.chip.TakeVector(0), 0x35);
}

TEST_CASE("pic: the slave's inputs come through the cascade") {
  ChipRig rig;
  rig.InitPics();
  rig.chip.SetLine(12, true);
  rig.chip.SetLine(9, true);
  CHECK_EQ(rig.chip.TakeVector(0), 0x39);
  ChipRig::Out(*rig.slave, 0, 0x20);
  ChipRig::Out(*rig.master, 0, 0x20);
  CHECK_EQ(rig.chip.TakeVector(0), 0x3c);
}

TEST_CASE("pic: a level input that falls before it is acknowledged raises nothing") {
  ChipRig rig;
  rig.InitPics();
  ChipRig::Out(*rig.elcr, 1, 0x0c);
  CHECK_EQ(ChipRig::In(*rig.elcr, 1), 0x0c);
  rig.chip.SetLine(10, true);
  rig.chip.SetLine(10, false);
  CHECK_FALSE(rig.chip.HasVector(0));
  CHECK_EQ(rig.chip.TakeVector(0), std::nullopt);
}

TEST_CASE("pic: a level input comes again after its EOI while it is high") {
  ChipRig rig;
  rig.InitPics();
  ChipRig::Out(*rig.elcr, 1, 0x04);
  rig.chip.SetLine(10, true);
  CHECK_EQ(rig.chip.TakeVector(0), 0x3a);
  CHECK_FALSE(rig.chip.HasVector(0));
  ChipRig::Out(*rig.slave, 0, 0x20);
  ChipRig::Out(*rig.master, 0, 0x20);
  CHECK_EQ(rig.chip.TakeVector(0), 0x3a);
}

TEST_CASE("pic: ELCR leaves the timer, keyboard, cascade and RTC edge-triggered") {
  ChipRig rig;
  ChipRig::Out(*rig.elcr, 0, 0xff);
  ChipRig::Out(*rig.elcr, 1, 0xff);
  CHECK_EQ(ChipRig::In(*rig.elcr, 0), 0xf8);
  CHECK_EQ(ChipRig::In(*rig.elcr, 1), 0xde);
}

TEST_CASE("pic: an acknowledge without a request gives the spurious vector") {
  PicPair pics;
  pics.WritePort(0, 0, 0x11);
  pics.WritePort(0, 1, 0x30);
  CHECK_EQ(pics.TakeVector(), 0x37);
}

TEST_CASE("pic: automatic EOI leaves nothing in service") {
  ChipRig rig;
  rig.InitPics(0x03);
  rig.chip.SetLine(3, true);
  CHECK_EQ(rig.chip.TakeVector(0), 0x33);
  ChipRig::Out(*rig.master, 0, 0x0b);
  CHECK_EQ(ChipRig::In(*rig.master, 0), 0);
}

TEST_CASE("pic: OCW3 selects the request or in-service register, the mask reads back") {
  ChipRig rig;
  rig.InitPics();
  rig.chip.SetLine(6, true);
  ChipRig::Out(*rig.master, 0, 0x0a);
  CHECK_EQ(ChipRig::In(*rig.master, 0), 0x40);
  (void)rig.chip.TakeVector(0);
  ChipRig::Out(*rig.master, 0, 0x0b);
  CHECK_EQ(ChipRig::In(*rig.master, 0), 0x40);
  ChipRig::Out(*rig.master, 1, 0xa5);
  CHECK_EQ(ChipRig::In(*rig.master, 1), 0xa5);
}

TEST_CASE("pic: a poll acknowledges and names the input") {
  ChipRig rig;
  rig.InitPics();
  rig.chip.SetLine(5, true);
  ChipRig::Out(*rig.master, 0, 0x0c);
  CHECK_EQ(ChipRig::In(*rig.master, 0), 0x85);
  CHECK_FALSE(rig.chip.HasVector(0));
}

TEST_CASE("pic: rotation on EOI moves the served input to the lowest priority") {
  ChipRig rig;
  rig.InitPics();
  rig.chip.SetLine(3, true);
  (void)rig.chip.TakeVector(0);
  ChipRig::Out(*rig.master, 0, 0xa0);
  IrqLine(rig.chip, 3).Pulse();
  rig.chip.SetLine(7, true);
  CHECK_EQ(rig.chip.TakeVector(0), 0x37);
}

TEST_CASE("pic: special mask mode lets lower inputs through a masked one in service") {
  ChipRig rig;
  rig.InitPics();
  rig.chip.SetLine(1, true);
  (void)rig.chip.TakeVector(0);
  ChipRig::Out(*rig.master, 1, 0x02);
  ChipRig::Out(*rig.master, 0, 0x68);
  rig.chip.SetLine(5, true);
  CHECK_EQ(rig.chip.TakeVector(0), 0x35);
}

}  // namespace
}  // namespace tandem::devices
