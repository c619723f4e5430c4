#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/ints.h"

namespace tandem::devices {

class EventFd;

// A register of a device whose writes do nothing but wake somebody (virtio's queue notifications):
// a write that it takes signals the event, and reaches the device's write handler no more. Engines
// may watch it themselves, so that the processor does not stop for it (KVM's ioeventfd).
struct Doorbell {
  u64 offset = 0;  // in the device
  // Of the write: 1, 2, 4 or 8 bytes. 0: any; reads of such a register may ring it too.
  u32 size = 0;
  std::optional<u64> value{};  // takes this value only; of a size that is not 0
  std::shared_ptr<EventFd> event;

  bool Takes(u64 write_offset, u64 write_size, u64 write_value) const {
    return offset == write_offset && (size == 0 || size == write_size) &&
           (!value || *value == write_value);
  }
  // Whether some write would be taken by both.
  bool Overlaps(const Doorbell& other) const {
    return offset == other.offset && (size == 0 || other.size == 0 || size == other.size) &&
           (!value || !other.value || *value == *other.value);
  }
  bool operator==(const Doorbell&) const = default;
};

using Doorbells = std::vector<Doorbell>;

}  // namespace tandem::devices
