#pragma once

#include "devices/pci/pci_device.h"

namespace tandem::devices {

// The MSI capability of a function: 64-bit address, per-vector masks, up to 32 messages (PCI Local
// Bus Specification 3.0, 6.8.1). Owned by the device; made in its constructor.
class Msi {
 public:
  // messages: a power of two up to 32.
  Msi(PciDevice& device, u32 messages);

  bool IsEnabled() const;
  // Any thread. Masked messages become pending. Ignored while not enabled.
  void Notify(u32 message);
  // To be called from the device's OnConfigWrite: sends what was unmasked.
  void OnConfigWrite();

 private:
  MsiMessage Message(u32 message) const;

  PciDevice& device_;
  const u32 at_;
};

}  // namespace tandem::devices
