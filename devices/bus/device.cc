#include "devices/bus/device.h"

#include <algorithm>

#include "devices/bus/event_fd.h"

namespace tandem::devices {

bool Device::Ring(const Doorbells& doorbells, u64 offset, std::span<const std::byte> data) {
  const auto taken = std::ranges::find_if(doorbells, [&](const Doorbell& doorbell) {
    return doorbell.Takes(offset, data.size(), AccessValue(data));
  });
  if (taken == doorbells.end()) {
    return false;
  }
  taken->event->Signal();
  return true;
}

}  // namespace tandem::devices
