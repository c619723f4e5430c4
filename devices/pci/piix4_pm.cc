#include "devices/pci/piix4_pm.h"

#include "base/log.h"

namespace tandem::devices {
namespace {

constexpr u32 kPmBase = 0x40;
constexpr u32 kPmEnable = 0x80;
constexpr u32 kDeviceActivityB = 0x58;
constexpr u32 kSmbusBase = 0x90;
constexpr u32 kSmbusConfig = 0xd2;

}  // namespace

Piix4Pm::Piix4Pm(std::shared_ptr<AcpiPm> acpi)
    : PciDevice({.vendor = 0x8086, .device = 0x7113, .class_code = 0x068000, .revision = 3}),
      acpi_(std::move(acpi)) {
  config().Set(pci::kStatus, 2, 0x0280);
  config().Set(kPmBase, 4, 1);
  config().SetWritable(kPmBase, 4, 0xffc0);
  config().SetWritable(kPmEnable, 1, 1);
  config().Set(kSmbusBase, 4, 1);
  config().SetWritable(kSmbusBase, 4, 0xfff0);
  config().SetWritable(kSmbusConfig, 1, 0x0f);
  // APMC_EN set: firmware takes SMM as set up already and does not wait for an SMI.
  config().Set(kDeviceActivityB, 4, 0x02000000);
  config().SetWritable(kDeviceActivityB, 4, 0xffffffff);
  // The parallel port and COM1-2 are decoded.
  config().Set(0x5f, 1, 0x90);
  config().Set(0x63, 1, 0x60);
  config().Set(0x67, 1, 0x98);
}

void Piix4Pm::OnAttach() {
  const auto gpe =
      slot().ports->MapIo(Gpa(kGpe0Port), AcpiPm::kGpe0Length, acpi_, AcpiPm::kGpe0Offset);
  const auto apm =
      slot().ports->MapIo(Gpa(kApmPort), AcpiPm::kApmLength, acpi_, AcpiPm::kApmOffset);
  CHECK(gpe.ok() && apm.ok());
}

void Piix4Pm::Place(Window& window, std::optional<u64> base, u64 length,
                    const std::shared_ptr<Device>& device) {
  if (base == window.base) {
    return;
  }
  if (window.base) {
    slot().ports->Unmap(window.region);
    window.base.reset();
  }
  if (base) {
    const auto region = slot().ports->MapIo(Gpa(*base), length, device);
    if (region.ok()) {
      window = {base, *region};
    }
  }
}

void Piix4Pm::PlaceAll() {
  std::optional<u64> pm;
  if ((config().Get8(kPmEnable) & 1) != 0 && (config().Get16(kPmBase) & 0xffc0) != 0) {
    pm = config().Get16(kPmBase) & 0xffc0;
  }
  std::optional<u64> smbus;
  if ((config().Get8(kSmbusConfig) & 1) != 0 && (config().Get16(kSmbusBase) & 0xfff0) != 0) {
    smbus = config().Get16(kSmbusBase) & 0xfff0;
  }
  Place(pm_window_, pm, AcpiPm::kPm1Length, acpi_);
  Place(smbus_window_, smbus, SmbusHost::kLength, smbus_);
}

void Piix4Pm::OnConfigWrite(u32, u32) { PlaceAll(); }

void Piix4Pm::OnReset() {
  PlaceAll();
  acpi_->Reset();
  smbus_->Reset();
}

}  // namespace tandem::devices
