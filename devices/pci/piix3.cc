#include "devices/pci/piix3.h"

namespace tandem::devices {
namespace {

constexpr u32 kPirqRoutes = 0x60;
constexpr u32 kPirqCount = 4;

}  // namespace

Piix3::Piix3(PirqRouter& router)
    : PciDevice({.vendor = 0x8086, .device = 0x7000, .class_code = 0x060100, .has_intx = false}),
      router_(router) {
  config().Set(pci::kCommand, 2, pci::kCommandIo | pci::kCommandMemory | pci::kCommandMaster);
  config().SetWritable(pci::kCommand, 2, pci::kCommandSerr);
  config().Set(pci::kStatus, 2, 0x0200);  // medium DEVSEL#
  config().Set(pci::kHeaderType, 1, pci::kMultifunction);
  config().Set(0x4c, 1, 0x4d);  // ISA I/O recovery timers
  config().Set(0x4e, 1, 0x03);  // X-bus chip select: keyboard and RTC decoded
  config().SetWritable(0x4c, 4, 0xffffffff);
  config().Set(kPirqRoutes, 4, 0x80808080);
  config().SetWritable(kPirqRoutes, 4, 0x8f8f8f8f);
  config().Set(0x69, 1, 0x02);  // top of memory
  config().SetWritable(0x68, 4, 0xffffffff);
}

void Piix3::OnConfigWrite(u32 offset, u32 size) {
  if (offset >= kPirqRoutes + kPirqCount || offset + size <= kPirqRoutes) {
    return;
  }
  for (u32 pirq = 0; pirq < kPirqCount; ++pirq) {
    router_.SetRoute(pirq, config().Get8(kPirqRoutes + pirq));
  }
}

}  // namespace tandem::devices
