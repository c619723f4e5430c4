#include "devices/ide/bus_master.h"

#include <algorithm>
#include <array>

#include "base/bits.h"

namespace tandem::devices {
namespace {

constexpr u32 kMaxDescriptors = 8192;  // a table does not cross 64 KiB
constexpr u32 kEndOfTable = 1u << 31;
constexpr u8 kToMemoryBit = 0x08;

}  // namespace

u8 BusMaster::ReadByte(u64 offset) const {
  switch (offset) {
    case 0:
      return command_;
    case 2:
      return status_;
    case 4:
    case 5:
    case 6:
    case 7:
      return static_cast<u8>(table_ >> (8 * (offset - 4)));
    default:
      return 0;
  }
}

bool BusMaster::WriteByte(u64 offset, u8 value) {
  if (offset == 0) {
    const bool starts = !IsStarted() && (value & 1) != 0;
    command_ = value & (1 | kToMemoryBit);
    status_ = static_cast<u8>(IsStarted() ? status_ | (starts ? kActive : 0) : status_ & ~kActive);
    return starts;
  }
  if (offset == 2) {
    status_ = static_cast<u8>((status_ & 0x9f) | (value & 0x60));
    status_ = static_cast<u8>(status_ & ~(value & (kError | kIrq)));
  } else if (offset >= 4 && offset < 8) {
    const u32 shift = static_cast<u32>(8 * (offset - 4));
    table_ = ((table_ & ~(0xffu << shift)) | u32{value} << shift) & ~3u;
  }
  return false;
}

bool BusMaster::MoveAll(const PciDevice& function, std::span<std::byte> data, Direction direction) {
  u64 at = table_;
  for (u32 i = 0; i < kMaxDescriptors && !data.empty(); ++i, at += 8) {
    std::array<std::byte, 8> descriptor;
    if (!function.DmaRead(Gpa(at), descriptor)) {
      return false;
    }
    const Gpa memory(LoadLe<u32>(descriptor.data()) & ~1u);
    const u32 flags = LoadLe<u32>(descriptor.data() + 4);
    const u32 count = (flags & 0xfffe) == 0 ? 0x10000 : flags & 0xfffe;
    const std::span<std::byte> part = data.first(std::min<size_t>(data.size(), count));
    const bool moved = direction == Direction::kToMemory ? function.DmaWrite(memory, part)
                                                         : function.DmaRead(memory, part);
    if (!moved) {
      return false;
    }
    data = data.subspan(part.size());
    if ((flags & kEndOfTable) != 0) {
      break;
    }
  }
  return data.empty();
}

bool BusMaster::Move(const PciDevice& function, std::span<std::byte> data, Direction direction) {
  const bool wants_memory = (command_ & kToMemoryBit) != 0;
  const bool moved =
      wants_memory == (direction == Direction::kToMemory) && MoveAll(function, data, direction);
  status_ = static_cast<u8>(status_ & ~kActive);
  if (!moved) {
    status_ |= kError;
  }
  return moved;
}

}  // namespace tandem::devices
