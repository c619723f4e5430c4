#pragma once

#include <array>
#include <map>
#include <vector>

#include "devices/pci/pci_host.h"

namespace tandem::devices {

// Remembers what reaches the interrupt controllers.
class FakeIrqChip final : public IrqChip {
 public:
  std::map<Gsi, bool> lines;
  std::vector<MsiMessage> messages;

  void SetLine(Gsi gsi, bool level) override { lines[gsi] = level; }
  void SendMsi(MsiMessage message) override { messages.push_back(message); }
  std::optional<u8> TakeVector(VcpuId) override { return std::nullopt; }
  bool HasVector(VcpuId) const override { return false; }
  LocalApic* Apic(VcpuId) override { return nullptr; }
  void Reset() override {}
};

class FakeIntx final : public IntxSink {
 public:
  std::map<u8, bool> levels;
  void SetIntx(u8 devfn, u8, bool level) override { levels[devfn] = level; }
};

// One byte of state, and the offset that was touched last.
class Register final : public Device {
 public:
  u64 value = 0;

 private:
  void DoRead(u64, std::span<std::byte> data) override { SetAccessValue(data, value); }
  void DoWrite(u64, std::span<const std::byte> data) override { value = AccessValue(data); }
  void DoReset() override { value = 0; }
};

inline u64 ReadSpace(const AddressSpace& space, u64 address, size_t size) {
  std::array<std::byte, 8> data{};
  (void)space.View()->Read(Gpa(address), std::span(data).first(size));
  return AccessValue(std::span<const std::byte>(data).first(size));
}

inline void WriteSpace(const AddressSpace& space, u64 address, size_t size, u64 value) {
  std::array<std::byte, 8> data{};
  SetAccessValue(data, value);
  (void)space.View()->Write(Gpa(address), std::span<const std::byte>(data).first(size));
}

// A host bridge with its ports mapped, and nothing behind it.
struct PciRig {
  AddressSpace memory;
  AddressSpace ports;
  FakeIrqChip chip;
  FakeIntx intx;
  int resets = 0;
  std::shared_ptr<PciHost> host =
      std::make_shared<PciHost>(memory, ports, intx, chip, [this] { ++resets; });

  PciRig() { (void)ports.MapIo(Gpa(PciHost::kFirstPort), PciHost::kPortCount, host); }

  void Select(u8 devfn, u32 offset) {
    WriteSpace(ports, 0xcf8, 4, 0x80000000 | u32{devfn} << 8 | (offset & 0xfc));
  }
  u32 Read(u8 devfn, u32 offset, size_t size) {
    Select(devfn, offset);
    return static_cast<u32>(ReadSpace(ports, 0xcfc + (offset & 3), size));
  }
  void Write(u8 devfn, u32 offset, size_t size, u32 value) {
    Select(devfn, offset);
    WriteSpace(ports, 0xcfc + (offset & 3), size, value);
  }
};

}  // namespace tandem::devices
