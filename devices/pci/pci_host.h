#pragma once

#include <array>
#include <functional>
#include <memory>

#include "devices/bus/device.h"
#include "devices/pci/pci_device.h"

namespace tandem::devices {

// The host bridge's ports 0xcf8-0xcff and bus 0 behind them: configuration mechanism #1 (PCI Local
// Bus Specification 3.0, 3.2.2.3.2). Its lock has rank kPciHost, so a configuration write may move
// mappings and call into devices. The reset control register shares the ports, as byte 0xcf9.
class PciHost final : public Device {
 public:
  static constexpr u64 kFirstPort = 0xcf8;
  static constexpr u64 kPortCount = 8;

  // All that is referred to outlives the host. reset_requested is called with the lock held and
  // must only leave a message.
  PciHost(AddressSpace& memory, AddressSpace& ports, IntxSink& intx, IrqChip& irq_chip,
          std::function<void()> reset_requested);

  // While the machine is built. Fails where the function is taken.
  Result<void> Plug(u32 slot, u32 function, std::shared_ptr<PciDevice> device);
  // The first slot from `from` on whose functions are all free; 32 if there is none.
  u32 FreeSlot(u32 from = 1) const;

  // What a guest's configuration access does; for firmware-like set-up by the machine and tests.
  u32 ReadConfig(u8 devfn, u32 offset, u32 size);
  void WriteConfig(u8 devfn, u32 offset, u32 size, u32 value);

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override;
  PciDevice* Selected() const;
  void WriteResetControl(u8 value);

  AddressSpace& memory_;
  AddressSpace& ports_;
  IntxSink& intx_;
  IrqChip& irq_chip_;
  const std::function<void()> reset_requested_;
  std::array<std::shared_ptr<PciDevice>, 256> functions_;
  u32 address_ = 0;
  u8 reset_control_ = 0;
};

constexpr u8 PciDevfn(u32 slot, u32 function) { return static_cast<u8>(slot << 3 | function); }

}  // namespace tandem::devices
