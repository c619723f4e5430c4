#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "devices/bus/address_space.h"
#include "devices/bus/irq.h"
#include "devices/pci/config_space.h"

namespace tandem::devices {

// Where the INTx pins of all functions end. Any thread, device locks may be held.
class IntxSink {
 public:
  virtual ~IntxSink() = default;
  // pin 0-3 is INTA-INTD of that function.
  virtual void SetIntx(u8 devfn, u8 pin, bool level) = 0;
};

// What a function is surrounded by once it is plugged in.
struct PciSlot {
  u8 devfn = 0;
  AddressSpace* memory = nullptr;
  AddressSpace* ports = nullptr;
  IntxSink* intx = nullptr;
  IrqChip* irq_chip = nullptr;
};

struct PciId {
  u16 vendor = 0;
  u16 device = 0;
  u32 class_code = 0;  // base class, sub-class, programming interface: 0xbbsspp
  u8 revision = 0;
  u16 subsystem_vendor = 0x1af4;
  u16 subsystem = 0x1100;
  bool has_intx = true;  // on INTA#
};

enum class BarKind : u8 { kPort, kMemory32, kMemory64 };

// One stretch of a BAR; bytes between stretches read as ones. Either device or ram is set.
struct BarPart {
  u64 offset = 0;
  u64 length = 0;
  std::shared_ptr<Device> device;
  std::shared_ptr<RamBlock> ram;
};

struct Bar {
  u64 size = 0;  // a power of two, at least 4 (ports) or 16
  BarKind kind = BarKind::kMemory32;
  bool is_prefetchable = false;
  std::vector<BarPart> parts;
};

inline Bar DeviceBar(u64 size, BarKind kind, std::shared_ptr<Device> device) {
  return {size, kind, false, {{0, size, std::move(device), nullptr}}};
}
inline Bar RamBar(BarKind kind, std::shared_ptr<RamBlock> ram) {
  const u64 size = ram->size();
  return {size, kind, true, {{0, size, nullptr, std::move(ram)}}};
}

// One PCI function. A derived class describes itself in its constructor: identity, BARs,
// capabilities; PciHost does the rest. Configuration calls come with the PciHost's lock held (rank
// kPciHost); SetIntx, SendMsi and the DMA calls are for any thread and may be made under a device's
// lock.
class PciDevice {
 public:
  virtual ~PciDevice() = default;
  PciDevice(const PciDevice&) = delete;
  PciDevice& operator=(const PciDevice&) = delete;

  // PciHost only.
  void Attach(const PciSlot& slot);
  u32 ReadConfig(u32 offset, u32 size);
  void WriteConfig(u32 offset, u32 size, u32 value);
  void Reset();

  ConfigSpace& config() { return config_; }
  u8 devfn() const { return slot_.devfn; }

  // Asserts or releases the function's interrupt pin, unless the guest disabled it.
  void SetIntx(bool level);
  // The message leaves only while the function may master the bus.
  void SendMsi(MsiMessage message);
  bool IsBusMaster() const { return (config_.Get16(pci::kCommand) & pci::kCommandMaster) != 0; }
  // False where the function may not master the bus or part of it is no memory.
  bool DmaRead(Gpa from, std::span<std::byte> data) const;
  bool DmaWrite(Gpa to, std::span<const std::byte> data) const;
  // For devices that work on guest memory in place; they ask IsBusMaster() themselves.
  AddressSpace& memory() const { return *slot_.memory; }

 protected:
  explicit PciDevice(const PciId& id);

  // index 0-5; a 64-bit BAR takes the next one too.
  void SetBar(u32 index, Bar bar);
  void SetRom(std::shared_ptr<RamBlock> rom);
  const PciSlot& slot() const { return slot_; }

 private:
  struct BarSlot {
    Bar bar;
    std::optional<u64> mapped_at;
    std::vector<RegionId> regions;
  };
  static constexpr u32 kRomIndex = 6;

  // The function is in its slot: place to map fixed ports.
  virtual void OnAttach() {}
  // Something was written (BARs have moved already), or is about to be read.
  virtual void OnConfigWrite([[maybe_unused]] u32 offset, [[maybe_unused]] u32 size) {}
  virtual void OnConfigRead([[maybe_unused]] u32 offset, [[maybe_unused]] u32 size) {}
  // The configuration bytes have their reset values already.
  virtual void OnReset() {}

  std::optional<u64> DecodedAddress(u32 index) const;
  std::optional<u64> MemoryAddress(u32 index) const;
  void UpdateMappings();
  void Unmap(BarSlot& bar);
  void Map(BarSlot& bar, u64 address, bool is_rom);
  bool EffectiveIntx();
  void UpdateIntx();

  ConfigSpace config_;
  PciSlot slot_;
  std::array<BarSlot, 7> bars_;  // by the PciHost's lock
  std::atomic<bool> intx_{false};
};

}  // namespace tandem::devices
