#include "devices/pci/pci_device.h"

#include <bit>

#include "base/check.h"
#include "base/log.h"

namespace tandem::devices {
namespace {

constexpr u32 kMemoryBar64 = 0x4;
constexpr u32 kMemoryBarPrefetchable = 0x8;
constexpr u32 kPortBar = 0x1;
constexpr u64 kMemoryBarMask = ~u64{0xf};
constexpr u64 kRomMask = ~u64{0x7ff};
constexpr u32 kRomAccess = 0xfffff800;

// Below RAM, ROM and the fixed devices: a BAR that is being sized or misplaced hides none of them.
constexpr i32 kBarPriority = -1;

u32 BarRegister(u32 index) { return index == 6 ? pci::kRomBar : pci::kBar0 + 4 * index; }

}  // namespace

PciDevice::PciDevice(const PciId& id) {
  config_.Set(pci::kVendorId, 2, id.vendor);
  config_.Set(pci::kDeviceId, 2, id.device);
  config_.Set(pci::kRevision, 1, id.revision);
  config_.Set(pci::kClass, 1, id.class_code);
  config_.Set(pci::kClass + 1, 2, id.class_code >> 8);
  config_.Set(pci::kSubsystemVendorId, 2, id.subsystem_vendor);
  config_.Set(pci::kSubsystemId, 2, id.subsystem);
  config_.Set(pci::kInterruptPin, 1, id.has_intx ? 1 : 0);
  config_.SetWritable(pci::kCommand, 2,
                      pci::kCommandIo | pci::kCommandMemory | pci::kCommandMaster |
                          pci::kCommandParity | pci::kCommandSerr | pci::kCommandIntxDisable);
  config_.SetWriteOneToClear(pci::kStatus, 2, pci::kStatusErrors);
  config_.SetWritable(pci::kInterruptLine, 1, 0xff);
  config_.SetWritable(0x0c, 1, 0xff);  // cache line size
}

void PciDevice::SetBar(u32 index, Bar bar) {
  const bool is_wide = bar.kind == BarKind::kMemory64;
  CHECK(index + (is_wide ? 1 : 0) < 6);
  CHECK(std::has_single_bit(bar.size));
  const u32 at = BarRegister(index);
  const u64 mask = ~(bar.size - 1);
  if (bar.kind == BarKind::kPort) {
    config_.Set(at, 4, kPortBar);
    config_.SetWritable(at, 4, static_cast<u32>(mask & ~u64{3}));
  } else {
    config_.Set(at, 4,
                (is_wide ? kMemoryBar64 : 0) | (bar.is_prefetchable ? kMemoryBarPrefetchable : 0));
    config_.SetWritable(at, 4, static_cast<u32>(mask & kMemoryBarMask));
  }
  if (is_wide) {
    config_.SetWritable(at + 4, 4, static_cast<u32>(mask >> 32));
  }
  bars_[index].bar = std::move(bar);
}

void PciDevice::SetRom(std::shared_ptr<RamBlock> rom) {
  const u64 size = std::bit_ceil(std::max<u64>(rom->size(), 0x800));
  const u64 length = rom->size();
  config_.SetWritable(pci::kRomBar, 4,
                      (static_cast<u32>(~(size - 1)) & kRomAccess) | pci::kRomEnable);
  bars_[kRomIndex].bar = {size, BarKind::kMemory32, false, {{0, length, nullptr, std::move(rom)}}};
}

void PciDevice::Attach(const PciSlot& slot) {
  slot_ = slot;
  config_.KeepAsResetState();
  OnAttach();
}

u32 PciDevice::ReadConfig(u32 offset, u32 size) {
  OnConfigRead(offset, size);
  return config_.Get(offset, size);
}

void PciDevice::WriteConfig(u32 offset, u32 size, u32 value) {
  config_.GuestWrite(offset, size, value);
  UpdateMappings();
  UpdateIntx();
  OnConfigWrite(offset, size);
}

void PciDevice::Reset() {
  config_.Reset();
  UpdateMappings();
  SetIntx(false);
  OnReset();
}

// A memory BAR's address, or nothing while it is being sized or lies where no decoder reaches.
std::optional<u64> PciDevice::MemoryAddress(u32 index) const {
  const Bar& bar = bars_[index].bar;
  const u32 at = BarRegister(index);
  u64 address = config_.Get32(at);
  if (index == kRomIndex && (address & pci::kRomEnable) == 0) {
    return std::nullopt;
  }
  address &= index == kRomIndex ? kRomMask : kMemoryBarMask;
  u64 limit = u64{1} << 32;
  if (bar.kind == BarKind::kMemory64) {
    address |= u64{config_.Get32(at + 4)} << 32;
    limit = u64{1} << 52;
  }
  // Ending exactly at the limit is what a sizing write of all ones looks like.
  const bool fits = address != 0 && address < limit - bar.size;
  return fits ? std::optional<u64>(address) : std::nullopt;
}

std::optional<u64> PciDevice::DecodedAddress(u32 index) const {
  const Bar& bar = bars_[index].bar;
  const u16 command = config_.Get16(pci::kCommand);
  if (bar.size == 0) {
    return std::nullopt;
  }
  if (bar.kind != BarKind::kPort) {
    return (command & pci::kCommandMemory) != 0 ? MemoryAddress(index) : std::nullopt;
  }
  const u64 address = config_.Get32(BarRegister(index)) & ~u64{3};
  const bool fits = address != 0 && address + bar.size < 0x10000;
  return (command & pci::kCommandIo) != 0 && fits ? std::optional<u64>(address) : std::nullopt;
}

void PciDevice::UpdateMappings() {
  for (u32 index = 0; index < bars_.size(); ++index) {
    BarSlot& bar = bars_[index];
    const std::optional<u64> address = DecodedAddress(index);
    if (address == bar.mapped_at) {
      continue;
    }
    Unmap(bar);
    if (address) {
      Map(bar, *address, index == kRomIndex);
    }
  }
}

void PciDevice::Unmap(BarSlot& bar) {
  AddressSpace& space = bar.bar.kind == BarKind::kPort ? *slot_.ports : *slot_.memory;
  for (const RegionId region : bar.regions) {
    space.Unmap(region);
  }
  bar.regions.clear();
  bar.mapped_at.reset();
}

void PciDevice::Map(BarSlot& bar, u64 address, bool is_rom) {
  AddressSpace& space = bar.bar.kind == BarKind::kPort ? *slot_.ports : *slot_.memory;
  for (const BarPart& part : bar.bar.parts) {
    const Gpa start(address + part.offset);
    const auto region =
        part.ram ? space.MapRam(start, part.length, part.ram, 0, is_rom, {.priority = kBarPriority})
                 : space.MapIo(start, part.length, part.device, 0, {.priority = kBarPriority});
    if (region.ok()) {
      bar.regions.push_back(*region);
    } else {
      Log(LogItem::kGuestError, "pci {:02x}.{}: {}", slot_.devfn >> 3, slot_.devfn & 7,
          region.error().message);
    }
  }
  bar.mapped_at = address;
}

bool PciDevice::EffectiveIntx() {
  return intx_.load() && (config_.Get16(pci::kCommand) & pci::kCommandIntxDisable) == 0;
}

// The loop closes the race with another thread that changes the level or the disable bit.
void PciDevice::UpdateIntx() {
  const u8 pin = config_.Get8(pci::kInterruptPin);
  if (pin == 0 || slot_.intx == nullptr) {
    return;
  }
  bool level = false;
  do {
    level = EffectiveIntx();
    slot_.intx->SetIntx(slot_.devfn, static_cast<u8>(pin - 1), level);
  } while (level != EffectiveIntx());
}

void PciDevice::SetIntx(bool level) {
  if (intx_.exchange(level) == level) {
    return;
  }
  const u16 status = config_.Get16(pci::kStatus);
  config_.Set(pci::kStatus, 1,
              level ? status | pci::kStatusInterrupt : status & ~pci::kStatusInterrupt);
  UpdateIntx();
}

void PciDevice::SendMsi(MsiMessage message) {
  if (IsBusMaster() && slot_.irq_chip != nullptr) {
    slot_.irq_chip->SendMsi(message);
  }
}

bool PciDevice::DmaRead(Gpa from, std::span<std::byte> data) const {
  return IsBusMaster() && slot_.memory->View()->DmaRead(from, data) == IoStatus::kOk;
}

bool PciDevice::DmaWrite(Gpa to, std::span<const std::byte> data) const {
  return IsBusMaster() && slot_.memory->View()->DmaWrite(to, data) == IoStatus::kOk;
}

}  // namespace tandem::devices
