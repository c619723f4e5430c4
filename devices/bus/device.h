#pragma once

#include <atomic>
#include <memory>
#include <span>

#include "base/ints.h"
#include "base/mutex.h"
#include "devices/bus/doorbell.h"

namespace tandem::devices {

// Something mapped into memory or port space. The public calls take the device's lock, so a
// device's Do* functions never run twice at once; they may raise IrqLines and arm Timers.
class Device {
 public:
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // offset from the start of what was mapped; 1, 2, 4 or 8 bytes, never beyond the mapped length.
  // Little-endian. Any thread. A write that a doorbell takes rings it and does no more.
  void Read(u64 offset, std::span<std::byte> data) {
    MutexLock lock(mu_);
    DoRead(offset, data);
  }
  void Write(u64 offset, std::span<const std::byte> data) {
    if (const auto doorbells = doorbells_.load(); doorbells && Ring(*doorbells, offset, data)) {
      return;
    }
    MutexLock lock(mu_);
    DoWrite(offset, data);
  }
  // Power-on state; the machine is paused or the caller is its reset path.
  void Reset() {
    MutexLock lock(mu_);
    DoReset();
  }
  // Null: it has none. AddressSpace::SetDoorbells changes them.
  std::shared_ptr<const Doorbells> doorbells() const { return doorbells_.load(); }

 protected:
  Device() = default;
  // For the few devices that call, or are called by, others while locked (PCI host, MSI-X table).
  explicit Device(LockRank rank) : mu_(rank) {}
  Mutex mu_{LockRank::kDevice};  // guards all that the derived class holds

 private:
  friend class AddressSpace;

  virtual void DoRead(u64 offset, std::span<std::byte> data) = 0;
  virtual void DoWrite(u64 offset, std::span<const std::byte> data) = 0;
  virtual void DoReset() = 0;
  static bool Ring(const Doorbells& doorbells, u64 offset, std::span<const std::byte> data);

  std::atomic<std::shared_ptr<const Doorbells>> doorbells_;
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
