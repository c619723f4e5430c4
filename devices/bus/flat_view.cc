#include "devices/bus/flat_view.h"

#include <algorithm>
#include <cstring>

namespace tandem::devices {
namespace {

constexpr IoStatus Worst(IoStatus a, IoStatus b) {
  if (a == IoStatus::kUnmapped || b == IoStatus::kUnmapped) {
    return IoStatus::kUnmapped;
  }
  return a == IoStatus::kReadOnly ? a : b;
}

// Splits a device access into naturally sized parts of at most 8 bytes.
u64 DevicePart(u64 offset, u64 length) {
  u64 part = 8;
  while (part > length || (offset % part) != 0) {
    part /= 2;
  }
  return part;
}

// One instruction's access reaches the device as one access even where it is not aligned.
bool IsSingleAccess(u64 length) { return length == 1 || length == 2 || length == 4 || length == 8; }

template <typename Byte, typename Call>
void DeviceAccess(u64 offset, std::span<Byte> data, Call call) {
  if (IsSingleAccess(data.size())) {
    call(offset, data);
    return;
  }
  while (!data.empty()) {
    const u64 part = DevicePart(offset, data.size());
    call(offset, data.first(part));
    data = data.subspan(part);
    offset += part;
  }
}

void WriteRam(const FlatRange& range, u64 offset, std::span<const std::byte> data) {
  std::memcpy(range.ram->data() + offset, data.data(), data.size());
  range.ram->MarkDirty(offset, data.size());
}

}  // namespace

const FlatRange* FlatView::Find(Gpa address) const {
  const auto after =
      std::upper_bound(ranges_.begin(), ranges_.end(), address,
                       [](Gpa wanted, const FlatRange& range) { return wanted < range.start; });
  if (after == ranges_.begin()) {
    return nullptr;
  }
  const FlatRange& range = *(after - 1);
  return address - range.start < range.length ? &range : nullptr;
}

// Calls on_range(range, offset in its target, bytes) for each mapped part; on_range's status and
// kUnmapped for the gaps add up.
template <typename Byte, typename OnRange>
IoStatus FlatView::ForEachPart(Gpa start, std::span<Byte> data, OnRange on_range) const {
  IoStatus status = IoStatus::kOk;
  u64 done = 0;
  while (done < data.size()) {
    const Gpa at = start + done;
    const FlatRange* range = Find(at);
    if (range == nullptr) {
      status = IoStatus::kUnmapped;
      ++done;
      continue;
    }
    const u64 inside = at - range->start;
    const u64 part = std::min<u64>(range->length - inside, data.size() - done);
    status = Worst(status, on_range(*range, range->offset + inside, data.subspan(done, part)));
    done += part;
  }
  return status;
}

IoStatus FlatView::Read(Gpa start, std::span<std::byte> data) const {
  std::fill(data.begin(), data.end(), std::byte{0xff});
  return ForEachPart(
      start, data, [](const FlatRange& range, u64 offset, std::span<std::byte> part) {
        if (range.ram) {
          std::memcpy(part.data(), range.ram->data() + offset, part.size());
        } else {
          DeviceAccess(offset, part,
                       [&](u64 at, std::span<std::byte> bytes) { range.device->Read(at, bytes); });
        }
        return IoStatus::kOk;
      });
}

IoStatus FlatView::Write(Gpa start, std::span<const std::byte> data) const {
  return ForEachPart(start, data,
                     [](const FlatRange& range, u64 offset, std::span<const std::byte> part) {
                       if (range.ram && !range.writable) {
                         return IoStatus::kReadOnly;
                       }
                       if (range.ram) {
                         WriteRam(range, offset, part);
                       } else {
                         DeviceAccess(offset, part, [&](u64 at, std::span<const std::byte> bytes) {
                           range.device->Write(at, bytes);
                         });
                       }
                       return IoStatus::kOk;
                     });
}

IoStatus FlatView::DmaRead(Gpa start, std::span<std::byte> data) const {
  std::fill(data.begin(), data.end(), std::byte{0xff});
  return ForEachPart(start, data,
                     [](const FlatRange& range, u64 offset, std::span<std::byte> part) {
                       if (!range.ram) {
                         return IoStatus::kUnmapped;
                       }
                       std::memcpy(part.data(), range.ram->data() + offset, part.size());
                       return IoStatus::kOk;
                     });
}

IoStatus FlatView::DmaWrite(Gpa start, std::span<const std::byte> data) const {
  return ForEachPart(start, data,
                     [](const FlatRange& range, u64 offset, std::span<const std::byte> part) {
                       if (!range.ram) {
                         return IoStatus::kUnmapped;
                       }
                       if (!range.writable) {
                         return IoStatus::kReadOnly;
                       }
                       range.ram->WriteFromDevice(offset, part);
                       return IoStatus::kOk;
                     });
}

std::byte* FlatView::HostPtr(Gpa start, u64 length, Access access) const {
  const FlatRange* range = Find(start);
  if (range == nullptr || !range->ram || (access == Access::kWrite && !range->writable)) {
    return nullptr;
  }
  const u64 inside = start - range->start;
  if (length > range->length - inside) {
    return nullptr;
  }
  return range->ram->data() + range->offset + inside;
}

}  // namespace tandem::devices
