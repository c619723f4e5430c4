#pragma once

#include <memory>

#include "devices/pci/acpi_pm.h"
#include "devices/pci/pci_device.h"
#include "devices/pci/smbus_host.h"

namespace tandem::devices {

// The 82371AB power management function, 00:01.3: places the ACPI registers at PMBASE and the
// SMBus host at its base; GPE0 (0xafe0) and the APM ports (0xb2) are fixed.
class Piix4Pm final : public PciDevice {
 public:
  static constexpr u64 kGpe0Port = 0xafe0;
  static constexpr u64 kApmPort = 0xb2;

  explicit Piix4Pm(std::shared_ptr<AcpiPm> acpi);

 private:
  // A register block that a configuration field places in port space.
  struct Window {
    std::optional<u64> base;
    RegionId region;
  };

  void OnAttach() override;
  void OnConfigWrite(u32 offset, u32 size) override;
  void OnReset() override;
  void Place(Window& window, std::optional<u64> base, u64 length,
             const std::shared_ptr<Device>& device);
  void PlaceAll();

  std::shared_ptr<AcpiPm> acpi_;
  std::shared_ptr<SmbusHost> smbus_ = std::make_shared<SmbusHost>();
  Window pm_window_{};
  Window smbus_window_{};
};

}  // namespace tandem::devices
