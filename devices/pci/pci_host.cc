#include "devices/pci/pci_host.h"

#include <algorithm>

#include "base/bits.h"
#include "base/log.h"

namespace tandem::devices {
namespace {

constexpr u64 kResetControl = 1;  // 0xcf9
constexpr u64 kData = 4;
constexpr u32 kEnable = 1u << 31;
constexpr u32 kAddressBits = 0x80fffffc;

// An access that sticks out of the data window or a register is cut off, as the bus has 4 lanes.
u32 LaneCount(u64 lane, size_t size) {
  return static_cast<u32>(std::min<u64>({size, 4 - lane, 4}));
}

}  // namespace

PciHost::PciHost(AddressSpace& memory, AddressSpace& ports, IntxSink& intx, IrqChip& irq_chip,
                 std::function<void()> reset_requested)
    : Device(LockRank::kPciHost),
      memory_(memory),
      ports_(ports),
      intx_(intx),
      irq_chip_(irq_chip),
      reset_requested_(std::move(reset_requested)) {}

Result<void> PciHost::Plug(u32 slot, u32 function, std::shared_ptr<PciDevice> device) {
  MutexLock lock(mu_);
  if (slot >= 32 || function >= 8) {
    return Fail("PCI address {:x}.{:x} does not exist: slots are 0-1f, functions 0-7", slot,
                function);
  }
  const u8 devfn = PciDevfn(slot, function);
  if (functions_[devfn]) {
    return Fail("PCI address {:x}.{:x} is taken already", slot, function);
  }
  if (function != 0) {
    device->config().Set(pci::kHeaderType, 1, pci::kMultifunction);
    if (PciDevice* first = functions_[PciDevfn(slot, 0)].get()) {
      first->config().Set(pci::kHeaderType, 1, pci::kMultifunction);
      first->config().KeepAsResetState();
    }
  }
  device->Attach({devfn, &memory_, &ports_, &intx_, &irq_chip_});
  functions_[devfn] = std::move(device);
  return {};
}

u32 PciHost::FreeSlot(u32 from) const {
  for (u32 slot = from; slot < 32; ++slot) {
    const auto begin = functions_.begin() + PciDevfn(slot, 0);
    if (std::all_of(begin, begin + 8, [](const auto& function) { return !function; })) {
      return slot;
    }
  }
  return 32;
}

u32 PciHost::ReadConfig(u8 devfn, u32 offset, u32 size) {
  MutexLock lock(mu_);
  return functions_[devfn] ? functions_[devfn]->ReadConfig(offset, size) : ~u32{0};
}

void PciHost::WriteConfig(u8 devfn, u32 offset, u32 size, u32 value) {
  MutexLock lock(mu_);
  if (functions_[devfn]) {
    functions_[devfn]->WriteConfig(offset, size, value);
  }
}

PciDevice* PciHost::Selected() const {
  const bool is_bus0 = BitsOf(address_, 16, 8) == 0;
  return (address_ & kEnable) != 0 && is_bus0 ? functions_[BitsOf(address_, 8, 8)].get() : nullptr;
}

void PciHost::DoRead(u64 offset, std::span<std::byte> data) {
  u64 value = ~u64{0};
  if (offset >= kData) {
    const u64 lane = offset - kData;
    const u32 size = LaneCount(lane, data.size());
    if (PciDevice* device = Selected()) {
      const u32 read = device->ReadConfig((address_ & 0xfc) + static_cast<u32>(lane), size);
      value = size == 4 ? read | value << 32 : read | value << (8 * size);
    }
  } else if (offset == 0 && data.size() == 4) {
    value = address_;
  } else if (offset == kResetControl && data.size() == 1) {
    value = reset_control_;
  }
  SetAccessValue(data, value);
}

void PciHost::DoWrite(u64 offset, std::span<const std::byte> data) {
  const u64 value = AccessValue(data);
  if (offset >= kData) {
    const u64 lane = offset - kData;
    if (PciDevice* device = Selected()) {
      device->WriteConfig((address_ & 0xfc) + static_cast<u32>(lane), LaneCount(lane, data.size()),
                          static_cast<u32>(value));
    }
  } else if (offset == 0 && data.size() == 4) {
    address_ = static_cast<u32>(value) & kAddressBits;
  } else if (offset == kResetControl && data.size() == 1) {
    WriteResetControl(static_cast<u8>(value));
  }
}

// PIIX3: bit 2 going up resets; bit 1 selects a hard reset, which for us is the same.
void PciHost::WriteResetControl(u8 value) {
  const bool resets = Bit(value, 2) && !Bit(reset_control_, 2);
  reset_control_ = value & 0x06;
  if (resets) {
    reset_control_ &= 0x02;
    reset_requested_();
  }
}

void PciHost::DoReset() {
  address_ = 0;
  reset_control_ = 0;
  for (const auto& function : functions_) {
    if (function) {
      function->Reset();
    }
  }
}

}  // namespace tandem::devices
