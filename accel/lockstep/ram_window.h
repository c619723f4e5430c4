#pragma once

#include <cstring>
#include <memory>

#include "devices/bus/device.h"
#include "devices/bus/ram_block.h"

namespace tandem::accel::lockstep {

// Memory that devices write to themselves, such as a display adapter's: for the vCPU a device.
class RamWindow final : public devices::Device {
 public:
  explicit RamWindow(std::shared_ptr<devices::RamBlock> ram) : ram_(std::move(ram)) {}

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override {
    std::memcpy(data.data(), ram_->data() + offset, data.size());
  }
  void DoWrite(u64 offset, std::span<const std::byte> data) override {
    std::memcpy(ram_->data() + offset, data.data(), data.size());
    ram_->MarkDirty(offset, data.size());
  }
  void DoReset() override {}

  const std::shared_ptr<devices::RamBlock> ram_;
};

}  // namespace tandem::accel::lockstep
