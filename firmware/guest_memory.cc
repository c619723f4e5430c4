#include "firmware/guest_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>

#include "base/bits.h"
#include "base/log.h"

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

// All at once the host finds memory twice as fast as fault by fault.
void GuestMemory::Populate(u64 address, u64 length) const {
  constexpr u64 kWorthIt = 64 << 10;
  constexpr u64 kHostPage = 4096;
  const u64 start = AlignUp(address, kHostPage);
  const u64 end = AlignDown(address + length, kHostPage);
  if (length < kWorthIt) {
    return;
  }
  if (std::byte* const host = view_->HostPtr(Gpa(start), end - start, devices::Access::kWrite)) {
    (void)::madvise(host, end - start, MADV_POPULATE_WRITE);  // for speed alone
  }
}

Result<void> GuestMemory::Write(u64 address, std::span<const std::byte> data,
                                std::string_view what) const {
  Populate(address, data.size());
  if (!IsRam(address, data.size()) ||
      view_->DmaWrite(Gpa(address), data) != devices::IoStatus::kOk) {
    return DoesNotFit(address, data.size(), what);
  }
  return {};
}

Result<void> GuestMemory::Zero(u64 address, u64 length, std::string_view what) const {
  static constexpr std::array<std::byte, 65536> kZeros{};
  if (!IsRam(address, length)) {
    return DoesNotFit(address, length, what);
  }
  for (u64 done = 0; done < length;) {
    const u64 part = std::min<u64>(length - done, kZeros.size());
    (void)view_->DmaWrite(Gpa(address + done), std::span(kZeros).first(part));
    done += part;
  }
  return {};
}

}  // namespace tandem::firmware
