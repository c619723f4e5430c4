#pragma once

#include <memory>
#include <span>
#include <vector>

#include "devices/bus/address.h"
#include "devices/bus/device.h"
#include "devices/bus/ram_block.h"

namespace tandem::devices {

enum class Access : u8 { kRead, kWrite };
enum class IoStatus : u8 { kOk, kUnmapped, kReadOnly };

// What one address range shows after priorities and aliases have been resolved.
struct FlatRange {
  Gpa start;
  u64 length = 0;
  std::shared_ptr<RamBlock> ram;  // either RAM or ROM ...
  bool writable = false;
  std::shared_ptr<Device> device;  // ... or a device
  u64 offset = 0;                  // of start, within ram or device
};

// An immutable picture of an address space: sorted, disjoint ranges. Readers take no lock.
class FlatView {
 public:
  explicit FlatView(std::vector<FlatRange> ranges) : ranges_(std::move(ranges)) {}

  // Any length; an access may span ranges. Unmapped bytes read as all ones, and writes to them or
  // to ROM are dropped; the worst status of all parts is returned.
  IoStatus Read(Gpa start, std::span<std::byte> data) const;
  IoStatus Write(Gpa start, std::span<const std::byte> data) const;

  // As Read and Write, but for devices' DMA: RAM and ROM only, never another device, which closes
  // the class of re-entrancy bugs. Parts that are no RAM count as unmapped.
  IoStatus DmaRead(Gpa start, std::span<std::byte> data) const;
  IoStatus DmaWrite(Gpa start, std::span<const std::byte> data) const;

  // Host address of the bytes; null unless one RAM block covers all of it and, for a write, it is
  // writable. Valid as long as the view is kept. A writer calls MarkDirty itself.
  std::byte* HostPtr(Gpa start, u64 length, Access access) const;

  // The range that holds the address, or null.
  const FlatRange* Find(Gpa address) const;
  std::span<const FlatRange> ranges() const { return ranges_; }

 private:
  template <typename Byte, typename OnRange>
  IoStatus ForEachPart(Gpa start, std::span<Byte> data, OnRange on_range) const;

  std::vector<FlatRange> ranges_;
};

}  // namespace tandem::devices
