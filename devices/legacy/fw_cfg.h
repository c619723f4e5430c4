#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "devices/bus/address_space.h"

namespace tandem::devices {

// QEMU's firmware configuration device (its docs/specs/fw_cfg): numbered items and named files that
// firmware and guests read through ports 0x510-0x511 or by DMA (0x514). All public calls: any
// thread; items may be replaced at any time.
class FwCfg final : public Device {
 public:
  static constexpr u64 kPort = 0x510;
  static constexpr u64 kLength = 12;

  static constexpr u16 kFileDirectory = 0x19;
  static constexpr u16 kFirstFile = 0x20;

  using Bytes = std::vector<std::byte>;
  // Called after the guest wrote to a file, with its new contents and the device's lock held.
  using OnWritten = std::function<void(const Bytes&)>;

  // memory is what DMA reaches; it outlives the device.
  explicit FwCfg(AddressSpace& memory);

  // Adds or replaces.
  void AddItem(u16 key, Bytes contents);
  void AddItem16(u16 key, u16 value);
  void AddItem32(u16 key, u32 value);
  void AddItem64(u16 key, u64 value);
  // Name of at most 55 characters, "etc/...". The directory is kept sorted by name. on_written
  // makes the file writable by DMA.
  Result<void> AddFile(const std::string& name, Bytes contents, OnWritten on_written = {});

 private:
  struct Item {
    Bytes contents;
    OnWritten on_written;
  };
  struct DmaRequest {
    u32 control = 0;
    u32 length = 0;
    u64 address = 0;
  };

  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override;
  void RebuildDirectory();
  void Select(u16 key);
  Item* Selected();
  std::byte NextByte();
  void StartDma();
  bool RunDma(const DmaRequest& request);
  bool DmaToGuest(const DmaRequest& request);
  bool DmaFromGuest(const DmaRequest& request);

  AddressSpace& memory_;
  std::map<u16, Item> items_;
  std::map<std::string, u16> files_;
  u16 next_file_ = kFirstFile;
  u16 selected_ = 0;
  u32 position_ = 0;
  u64 dma_address_ = 0;
};

}  // namespace tandem::devices
