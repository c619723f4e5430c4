#pragma once

#include "devices/pci/pci_device.h"
#include "devices/pci/shadow_ram.h"

namespace tandem::devices {

// The 82441FX host bridge, 00:00.0: the PAM registers that switch shadow RAM, and SMRAM control,
// which is only stored (there is no system management mode).
class I440fx final : public PciDevice {
 public:
  // ShadowRam outlives it.
  explicit I440fx(ShadowRam& shadow_ram);

 private:
  void OnConfigWrite(u32 offset, u32 size) override;
  void OnReset() override { ApplyPam(); }
  void ApplyPam();

  ShadowRam& shadow_ram_;
};

}  // namespace tandem::devices
