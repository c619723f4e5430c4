#pragma once

#include <array>
#include <bitset>

#include "base/mutex.h"
#include "devices/bus/irq.h"
#include "devices/pci/pci_device.h"

namespace tandem::devices {

// Gathers the INTx pins of all functions into PIRQA-D and those into ISA interrupts, as the PIIX3's
// route registers say. Each wire is level-triggered and shared: the OR of all that drive it.
class PirqRouter final : public IntxSink {
 public:
  explicit PirqRouter(IrqChip& irq_chip) : irq_chip_(irq_chip) {}

  // Slot s, pin p drives PIRQ (s - 1 + p) mod 4, the wiring of QEMU's pc board.
  void SetIntx(u8 devfn, u8 pin, bool level) override;
  // A route register: bit 7 set disconnects, bits 3-0 are the ISA interrupt. Any thread.
  void SetRoute(u32 pirq, u8 route);
  void Reset();

 private:
  void Update(Gsi gsi);

  Mutex mu_{LockRank::kBackend};  // guards all below
  IrqChip& irq_chip_;
  std::array<std::bitset<256>, 4> asserted_;  // by devfn
  std::array<u8, 4> routes_{0x80, 0x80, 0x80, 0x80};
  std::array<bool, 16> levels_{};
};

}  // namespace tandem::devices
