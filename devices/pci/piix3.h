#pragma once

#include "devices/pci/pci_device.h"
#include "devices/pci/pirq_router.h"

namespace tandem::devices {

// The 82371SB ISA bridge, 00:01.0: the PIRQ route registers. (ELCR belongs to the interrupt
// controllers, the reset control register to PciHost.)
class Piix3 final : public PciDevice {
 public:
  // The router outlives it.
  explicit Piix3(PirqRouter& router);

 private:
  void OnConfigWrite(u32 offset, u32 size) override;
  void OnReset() override { router_.Reset(); }

  PirqRouter& router_;
};

}  // namespace tandem::devices
