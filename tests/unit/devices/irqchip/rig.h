#pragma once

#include <array>
#include <vector>

#include "devices/bus/instruction_clock.h"
#include "devices/irqchip/soft_irq_chip.h"

namespace tandem::devices {

// Remembers what processors were told.
class FakeSignals final : public CpuSignals {
 public:
  std::vector<VcpuId> pending, nmis, inits;
  std::vector<std::pair<VcpuId, u8>> startups;

  void InterruptPending(VcpuId vcpu) override { pending.push_back(vcpu); }
  void SendNmi(VcpuId vcpu) override { nmis.push_back(vcpu); }
  void SendInit(VcpuId vcpu) override { inits.push_back(vcpu); }
  void SendStartup(VcpuId vcpu, u8 vector) override { startups.push_back({vcpu, vector}); }
};

// A two-processor chip with its ports at hand.
struct ChipRig {
  InstructionClock clock{0};
  FakeSignals signals;
  SoftIrqChip chip{2, clock, signals};
  std::shared_ptr<Device> master = chip.MakeMasterPorts();
  std::shared_ptr<Device> slave = chip.MakeSlavePorts();
  std::shared_ptr<Device> elcr = chip.MakeElcrPorts();
  std::shared_ptr<Device> ioapic = chip.MakeIoApicWindow();

  static void Out(Device& device, u64 offset, u8 value) {
    device.Write(offset, std::array{std::byte{value}});
  }
  static u8 In(Device& device, u64 offset) {
    std::array<std::byte, 1> data{};
    device.Read(offset, data);
    return static_cast<u8>(data[0]);
  }
  // Vectors 0x30 and 0x38, all inputs open.
  void InitPics(u8 icw4 = 0x01) {
    for (const auto& [pic, base, wiring] :
         {std::tuple{master.get(), u8{0x30}, u8{4}}, std::tuple{slave.get(), u8{0x38}, u8{2}}}) {
      Out(*pic, 0, 0x11);
      Out(*pic, 1, base);
      Out(*pic, 1, wiring);
      Out(*pic, 1, icw4);
      Out(*pic, 1, 0);
    }
  }
  u32 IoApicRead(u8 index) {
    Write32(*ioapic, 0, index);
    std::array<std::byte, 4> data{};
    ioapic->Read(0x10, data);
    return static_cast<u32>(AccessValue(data));
  }
  void IoApicWrite(u8 index, u32 value) {
    Write32(*ioapic, 0, index);
    Write32(*ioapic, 0x10, value);
  }
  static void Write32(Device& device, u64 offset, u32 value) {
    std::array<std::byte, 4> data{};
    SetAccessValue(data, value);
    device.Write(offset, data);
  }
  void Route(u32 pin, u32 low, u8 destination) {
    IoApicWrite(static_cast<u8>(0x11 + 2 * pin), u32{destination} << 24);
    IoApicWrite(static_cast<u8>(0x10 + 2 * pin), low);
  }
  LocalApic& apic(VcpuId id) { return *chip.Apic(id); }
  void EnableApics() {
    apic(0).WriteRegister(0xf0, 0x1ff);
    apic(1).WriteRegister(0xf0, 0x1ff);
    apic(0).WriteRegister(0x350, 0x10000);
  }
  void EnterX2(VcpuId id) {
    const u64 base = *apic(id).ReadMsr(0x1b);
    (void)apic(id).WriteMsr(0x1b, base | 1u << 10);
  }
};

}  // namespace tandem::devices
