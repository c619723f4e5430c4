#include "devices/pci/msix.h"

#include "base/bits.h"
#include "base/check.h"

namespace tandem::devices {
namespace {

constexpr u32 kControl = 2;
constexpr u32 kTable = 4;
constexpr u32 kPendingArray = 8;
constexpr u32 kLength = 12;

constexpr u32 kEnable = 1u << 15;
constexpr u32 kFunctionMask = 1u << 14;

constexpr u64 kEntrySize = 16;

}  // namespace

Msix::Msix(PciDevice& pci_device, u32 vectors, u32 bar_index, u64 table_offset)
    : Device(LockRank::kBackend),
      pci_device_(pci_device),
      at_(pci_device.config().AddCapability(pci::kCapMsix, kLength)),
      entries_(vectors),
      pending_(vectors) {
  CHECK(vectors >= 1 && vectors <= kMaxVectors && bar_index < 6);
  ConfigSpace& config = pci_device_.config();
  config.Set(at_ + kControl, 2, vectors - 1);
  config.SetWritable(at_ + kControl, 2, kEnable | kFunctionMask);
  config.Set(at_ + kTable, 4, static_cast<u32>(table_offset) | bar_index);
  config.Set(at_ + kPendingArray, 4, static_cast<u32>(table_offset + kPendingOffset) | bar_index);
}

bool Msix::IsMasked(const Entry& entry) const {
  return is_function_masked_ || (entry.control & 1) != 0;
}

void Msix::Notify(u32 vector) {
  MutexLock lock(mu_);
  if (!is_enabled_.load() || vector >= entries_.size()) {
    return;
  }
  const Entry& entry = entries_[vector];
  if (IsMasked(entry)) {
    pending_[vector] = true;
    return;
  }
  pci_device_.SendMsi({entry.address, entry.data});
}

void Msix::OnConfigWrite() {
  MutexLock lock(mu_);
  const u16 control = pci_device_.config().Get16(at_ + kControl);
  is_enabled_.store((control & kEnable) != 0);
  is_function_masked_ = (control & kFunctionMask) != 0;
  SendPending();
}

void Msix::SendPending() {
  for (size_t i = 0; i < entries_.size() && is_enabled_.load(); ++i) {
    if (pending_[i] && !IsMasked(entries_[i])) {
      pending_[i] = false;
      pci_device_.SendMsi({entries_[i].address, entries_[i].data});
    }
  }
}

u32 Msix::ReadWord(u64 offset) const {
  if (offset >= kPendingOffset) {
    u32 bits = 0;
    const u64 first = (offset - kPendingOffset) * 8;
    for (u64 i = 0; i < 32 && first + i < pending_.size(); ++i) {
      bits |= u32{pending_[first + i]} << i;
    }
    return bits;
  }
  if (offset / kEntrySize >= entries_.size()) {
    return 0;
  }
  const Entry& entry = entries_[offset / kEntrySize];
  switch (offset % kEntrySize / 4) {
    case 0:
      return static_cast<u32>(entry.address);
    case 1:
      return static_cast<u32>(entry.address >> 32);
    case 2:
      return entry.data;
    default:
      return entry.control;
  }
}

void Msix::WriteWord(u64 offset, u32 value) {
  if (offset / kEntrySize >= entries_.size()) {
    return;
  }
  Entry& entry = entries_[offset / kEntrySize];
  switch (offset % kEntrySize / 4) {
    case 0:
      entry.address = (entry.address & ~u64{0xffffffff}) | (value & ~3u);
      break;
    case 1:
      entry.address = (entry.address & 0xffffffff) | u64{value} << 32;
      break;
    case 2:
      entry.data = value;
      break;
    default:
      entry.control = value & 1;
      SendPending();
      break;
  }
}

// Guests use aligned 4 and 8 byte accesses; others are undefined and read the low word's bytes.
void Msix::DoRead(u64 offset, std::span<std::byte> data) {
  const u64 at = AlignDown(offset, 4);
  const u64 both = ReadWord(at) | u64{ReadWord(at + 4)} << 32;
  SetAccessValue(data, both >> (8 * (offset - at)));
}

void Msix::DoWrite(u64 offset, std::span<const std::byte> data) {
  if (data.size() < 4 || offset % 4 != 0) {
    return;
  }
  const u64 value = AccessValue(data);
  WriteWord(offset, static_cast<u32>(value));
  if (data.size() == 8) {
    WriteWord(offset + 4, static_cast<u32>(value >> 32));
  }
}

void Msix::DoReset() {
  entries_.assign(entries_.size(), Entry{});
  pending_.assign(pending_.size(), false);
  is_enabled_.store(false);
  is_function_masked_ = false;
}

}  // namespace tandem::devices
