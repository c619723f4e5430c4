#pragma once

#include <array>
#include <memory>

#include "devices/ide/ide_channel.h"
#include "devices/pci/pci_device.h"

namespace tandem::devices {

// The 82371SB IDE function, 00:01.1, in legacy mode: fixed ports and interrupts 14 and 15, bus
// master registers in BAR 4.
class Piix3Ide final : public PciDevice {
 public:
  // irq14 and irq15: the ISA lines of the two channels.
  Piix3Ide(IrqLine irq14, IrqLine irq15);

  // 0: primary, 1: secondary.
  IdeChannel& channel(unsigned index) { return *channels_[index]; }

 private:
  void OnAttach() override;
  void OnReset() override;

  std::array<std::shared_ptr<IdeChannel>, 2> channels_;
};

}  // namespace tandem::devices
