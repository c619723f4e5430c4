#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "devices/bus/address_space.h"

namespace tandem::accel::lockstep {

// An address space that looks like another one, with other things behind its addresses.
class Mirror {
 public:
  // What stands in the place of a device, or of memory that devices write to themselves.
  using DeviceFor = std::function<std::shared_ptr<devices::Device>(const devices::FlatRange&)>;
  // The memory that stands for a range's; null: DeviceFor is asked.
  using RamFor = std::function<std::shared_ptr<devices::RamBlock>(const devices::FlatRange&)>;

  Mirror(RamFor ram_for, DeviceFor device_for)
      : ram_for_(std::move(ram_for)), device_for_(std::move(device_for)) {}

  // Looks like this view from now on.
  void Show(const std::shared_ptr<const devices::FlatView>& view);

  devices::AddressSpace& space() { return space_; }

 private:
  struct Shown {
    devices::FlatRange range;  // of the original
    devices::RegionId id{};
  };
  devices::RegionId Map(const devices::FlatRange& range);
  std::shared_ptr<devices::Device> FindDevice(const devices::FlatRange& range);

  const RamFor ram_for_;
  const DeviceFor device_for_;
  devices::AddressSpace space_;
  std::vector<Shown> shown_;
  std::map<const void*, std::shared_ptr<devices::Device>> devices_;  // by what they stand for
};

// What a range shows: its device, or its memory.
const void* KeyOf(const devices::FlatRange& range);

}  // namespace tandem::accel::lockstep
