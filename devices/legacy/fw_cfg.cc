#include "devices/legacy/fw_cfg.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/bits.h"
#include "base/log.h"

namespace tandem::devices {
namespace {

constexpr u16 kSignature = 0x00;
constexpr u16 kId = 0x01;
constexpr u32 kHasPortsAndDma = 3;
constexpr u16 kKeyMask = 0xbfff;  // bit 15: keys of the architecture; bit 14 once meant writing
constexpr u16 kLastFile = 0x2fff;

constexpr u64 kSelector = 0;
constexpr u64 kData = 1;
constexpr u64 kDmaHigh = 4;
constexpr u64 kDmaLow = 8;
constexpr u64 kDmaSignature = 0x51454d5520434647;  // "QEMU CFG"

constexpr u32 kDmaError = 1u << 0;
constexpr u32 kDmaRead = 1u << 1;
constexpr u32 kDmaSkip = 1u << 2;
constexpr u32 kDmaSelect = 1u << 3;
constexpr u32 kDmaWrite = 1u << 4;

constexpr size_t kNameSize = 56;
constexpr size_t kChunk = 64 * 1024;

template <typename T>
FwCfg::Bytes LittleEndian(T value) {
  FwCfg::Bytes bytes(sizeof(value));
  StoreLe(bytes.data(), value);
  return bytes;
}

u32 Big32(const std::byte* from) { return __builtin_bswap32(LoadLe<u32>(from)); }
u64 Big64(const std::byte* from) { return __builtin_bswap64(LoadLe<u64>(from)); }

FwCfg::Bytes TextBytes(std::string_view text) {
  FwCfg::Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

}  // namespace

FwCfg::FwCfg(AddressSpace& memory) : memory_(memory) {
  AddItem(kSignature, TextBytes("QEMU"));
  AddItem32(kId, kHasPortsAndDma);
  MutexLock lock(mu_);
  RebuildDirectory();
}

void FwCfg::DoReset() {
  selected_ = 0;
  position_ = 0;
  dma_address_ = 0;
}

void FwCfg::AddItem(u16 key, Bytes contents) {
  MutexLock lock(mu_);
  items_[key & kKeyMask].contents = std::move(contents);
}

void FwCfg::AddItem16(u16 key, u16 value) { AddItem(key, LittleEndian(value)); }
void FwCfg::AddItem32(u16 key, u32 value) { AddItem(key, LittleEndian(value)); }
void FwCfg::AddItem64(u16 key, u64 value) { AddItem(key, LittleEndian(value)); }

Result<void> FwCfg::AddFile(const std::string& name, Bytes contents, OnWritten on_written) {
  if (name.empty() || name.size() >= kNameSize) {
    return Fail("fw_cfg file name '{}' must have 1 to {} characters", name, kNameSize - 1);
  }
  MutexLock lock(mu_);
  if (!files_.contains(name)) {
    if (next_file_ > kLastFile) {
      return Fail("fw_cfg file '{}': there are too many files already", name);
    }
    files_[name] = next_file_++;
  }
  items_[files_[name]] = {std::move(contents), std::move(on_written)};
  RebuildDirectory();
  return {};
}

// Big-endian: the count, then {size, key, 0, name} of each file.
void FwCfg::RebuildDirectory() {
  Bytes directory(4 + files_.size() * (8 + kNameSize));
  StoreLe(directory.data(), __builtin_bswap32(static_cast<u32>(files_.size())));
  std::byte* entry = directory.data() + 4;
  for (const auto& [name, key] : files_) {
    StoreLe(entry, __builtin_bswap32(static_cast<u32>(items_[key].contents.size())));
    StoreLe(entry + 4, __builtin_bswap16(key));
    std::memcpy(entry + 8, name.data(), name.size());
    entry += 8 + kNameSize;
  }
  items_[kFileDirectory].contents = std::move(directory);
}

void FwCfg::Select(u16 key) {
  selected_ = key & kKeyMask;
  position_ = 0;
}

FwCfg::Item* FwCfg::Selected() {
  const auto it = items_.find(selected_);
  return it == items_.end() ? nullptr : &it->second;
}

// Beyond the end, and of items that do not exist, all bytes are zero.
std::byte FwCfg::NextByte() {
  const Item* item = Selected();
  if (item == nullptr || position_ >= item->contents.size()) {
    return std::byte{0};
  }
  return item->contents[position_++];
}

void FwCfg::DoRead(u64 offset, std::span<std::byte> data) {
  if (offset == kData) {
    for (std::byte& byte : data) {
      byte = NextByte();
    }
    return;
  }
  const u64 signature = __builtin_bswap64(kDmaSignature);
  SetAccessValue(data, offset >= kDmaHigh ? signature >> (8 * (offset - kDmaHigh)) : 0);
}

void FwCfg::DoWrite(u64 offset, std::span<const std::byte> data) {
  const u64 value = AccessValue(data);
  if (offset == kSelector && data.size() == 2) {
    Select(static_cast<u16>(value));
  } else if (offset == kDmaHigh && data.size() == 8) {
    dma_address_ = __builtin_bswap64(value);
    StartDma();
  } else if (offset == kDmaHigh && data.size() == 4) {
    dma_address_ = u64{__builtin_bswap32(static_cast<u32>(value))} << 32;
  } else if (offset == kDmaLow && data.size() == 4) {
    dma_address_ |= __builtin_bswap32(static_cast<u32>(value));
    StartDma();
  }
}

void FwCfg::StartDma() {
  const Gpa at(std::exchange(dma_address_, 0));
  std::array<std::byte, 16> raw;
  const auto view = memory_.View();
  if (view->DmaRead(at, raw) != IoStatus::kOk) {
    Log(LogItem::kGuestError, "fw_cfg: no DMA descriptor at {:#x}", at.value);
    return;
  }
  const bool ok = RunDma({Big32(raw.data()), Big32(raw.data() + 4), Big64(raw.data() + 8)});
  std::array<std::byte, 4> status;
  StoreLe(status.data(), __builtin_bswap32(ok ? 0 : kDmaError));
  (void)view->DmaWrite(at, status);
}

bool FwCfg::RunDma(const DmaRequest& request) {
  if ((request.control & kDmaSelect) != 0) {
    Select(static_cast<u16>(request.control >> 16));
  }
  if ((request.control & kDmaRead) != 0) {
    return DmaToGuest(request);
  }
  if ((request.control & kDmaWrite) != 0) {
    return DmaFromGuest(request);
  }
  if ((request.control & kDmaSkip) != 0) {
    const u64 end = u64{position_} + request.length;
    position_ = static_cast<u32>(std::min<u64>(end, ~u32{0}));
  }
  return true;
}

bool FwCfg::DmaToGuest(const DmaRequest& request) {
  const auto view = memory_.View();
  const Item* item = Selected();
  Bytes chunk;
  for (u32 done = 0; done < request.length;) {
    const size_t part = std::min<size_t>(request.length - done, kChunk);
    chunk.assign(part, std::byte{0});
    if (item != nullptr && position_ < item->contents.size()) {
      const size_t have = std::min<size_t>(part, item->contents.size() - position_);
      std::memcpy(chunk.data(), item->contents.data() + position_, have);
      position_ += static_cast<u32>(have);
    }
    const std::optional<u64> to = CheckedAdd(request.address, done);
    if (!to || view->DmaWrite(Gpa(*to), chunk) != IoStatus::kOk) {
      return false;
    }
    done += static_cast<u32>(part);
  }
  return true;
}

// A file keeps its size: what does not fit is an error.
bool FwCfg::DmaFromGuest(const DmaRequest& request) {
  Item* item = Selected();
  if (item == nullptr || !item->on_written || position_ > item->contents.size() ||
      request.length > item->contents.size() - position_) {
    return false;
  }
  const std::span<std::byte> target(item->contents.data() + position_, request.length);
  if (memory_.View()->DmaRead(Gpa(request.address), target) != IoStatus::kOk) {
    return false;
  }
  position_ += request.length;
  item->on_written(item->contents);
  return true;
}

}  // namespace tandem::devices
