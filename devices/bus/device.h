#pragma once

#include <span>

#include "base/ints.h"
#include "base/mutex.h"

namespace tandem::devices {

// Something mapped into memory or port space. The public calls take the device's lock, so a
// device's Do* functions never run twice at once; they may raise IrqLines and arm Timers.
class Device {
 public:
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // offset from the start of what was mapped; 1, 2, 4 or 8 bytes, never beyond the mapped length.
  // Little-endian. Any thread.
  void Read(u64 offset, std::span<std::byte> data) {
    MutexLock lock(mu_);
    DoRead(offset, data);
  }
  void Write(u64 offset, std::span<const std::byte> data) {
    MutexLock lock(mu_);
    DoWrite(offset, data);
  }
  // Power-on state; the machine is paused or the caller is its reset path.
  void Reset() {
    MutexLock lock(mu_);
    DoReset();
  }

 protected:
  Device() = default;
  // For the few devices that call, or are called by, others while locked (PCI host, MSI-X table).
  explicit Device(LockRank rank) : mu_(rank) {}
  Mutex mu_{LockRank::kDevice};  // guards all that the derived class holds

 private:
  virtual void DoRead(u64 offset, std::span<std::byte> data) = 0;
  virtual void DoWrite(u64 offset, std::span<const std::byte> data) = 0;
  virtual void DoReset() = 0;
};

// The value of a 1 to 8 byte access.
inline u64 AccessValue(std::span<const std::byte> data) {
  u64 value = 0;
  for (size_t i = 0; i < data.size() && i < 8; ++i) {
    value |= static_cast<u64>(data[i]) << (8 * i);
  }
  return value;
}

// Fills data with the low bytes of value.
inline void SetAccessValue(std::span<std::byte> data, u64 value) {
  for (size_t i = 0; i < data.size(); ++i) {
    data[i] = i < 8 ? static_cast<std::byte>(value >> (8 * i)) : std::byte{0};
  }
}

}  // namespace tandem::devices
