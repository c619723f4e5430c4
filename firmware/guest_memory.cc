#include "firmware/guest_memory.h"

#include <algorithm>

#include "base/bits.h"
#include "base/log.h"
#include "devices/bus/fill_ram.h"

namespace tandem::firmware {
namespace {

Error DoesNotFit(u64 address, u64 length, std::string_view what) {
  return Fail("{} does not fit in guest memory: {:#x} bytes at {:#x} (use a larger -m)", what,
              length, address);
}

}  // namespace

bool GuestMemory::IsRam(u64 address, u64 length) const {
  const std::optional<u64> end = CheckedAdd(address, length);
  if (!end) {
    return false;
  }
  while (address < *end) {
    const devices::FlatRange* range = view_->Find(Gpa(address));
    if (range == nullptr || !range->ram || !range->writable) {
      return false;
    }
    address = range->start.value + range->length;
  }
  return true;
}

// Calls back with each part of a range of RAM and where it lies in its block.
template <typename OnPart>
void GuestMemory::ForEachPart(u64 address, u64 length, OnPart on_part) const {
  for (u64 done = 0; done < length;) {
    const devices::FlatRange& range = *view_->Find(Gpa(address + done));
    const u64 inside = address + done - range.start.value;
    const u64 part = std::min(length - done, range.length - inside);
    on_part(*range.ram, range.offset + inside, done, part);
    done += part;
  }
}

Result<void> GuestMemory::Write(u64 address, std::span<const std::byte> data,
                                std::string_view what) const {
  if (!IsRam(address, data.size())) {
    return DoesNotFit(address, data.size(), what);
  }
  ForEachPart(address, data.size(),
              [&](devices::RamBlock& ram, u64 offset, u64 done, u64 part) {
                devices::FillRam(ram, offset, data.subspan(done, part));
              });
  return {};
}

Result<void> GuestMemory::Zero(u64 address, u64 length, std::string_view what) const {
  if (!IsRam(address, length)) {
    return DoesNotFit(address, length, what);
  }
  ForEachPart(address, length, [](devices::RamBlock& ram, u64 offset, u64, u64 part) {
    devices::ClearRam(ram, offset, part);
  });
  return {};
}

}  // namespace tandem::firmware
