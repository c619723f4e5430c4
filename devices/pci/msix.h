#pragma once

#include <atomic>
#include <vector>

#include "devices/bus/device.h"
#include "devices/pci/pci_device.h"

namespace tandem::devices {

// The MSI-X capability with its table and pending bits (PCI Local Bus Specification 3.0, 6.8.2): a
// Device of kSize bytes to be placed in a BAR. Its lock ranks below device locks (kBackend), so
// Notify may be called under them.
class Msix final : public Device {
 public:
  static constexpr u64 kSize = 0x1000;
  static constexpr u64 kPendingOffset = 0x800;
  static constexpr u32 kMaxVectors = 128;

  // Adds the capability: table at table_offset of BAR bar_index, pending bits kPendingOffset on.
  // The pci device outlives this (it owns it).
  Msix(PciDevice& pci_device, u32 vectors, u32 bar_index, u64 table_offset = 0);

  bool IsEnabled() const { return is_enabled_.load(); }
  // Any thread. Masked vectors become pending; vectors beyond the table are ignored.
  void Notify(u32 vector);
  // To be called from the device's OnConfigWrite and OnReset.
  void OnConfigWrite();

 private:
  struct Entry {
    u64 address = 0;
    u32 data = 0;
    u32 control = 1;  // masked
  };

  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override;
  u32 ReadWord(u64 offset) const;
  void WriteWord(u64 offset, u32 value);
  bool IsMasked(const Entry& entry) const;
  void SendPending();

  PciDevice& pci_device_;
  const u32 at_;
  std::vector<Entry> entries_;
  std::vector<bool> pending_;
  std::atomic<bool> is_enabled_{false};
  bool is_function_masked_ = false;
};

}  // namespace tandem::devices
