#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>

#include "devices/bus/clock.h"
#include "devices/bus/device.h"
#include "devices/bus/irq.h"

namespace tandem::devices {

// A high precision event timer block with three timers and a 64-bit 100 MHz counter (IA-PC HPET
// Specification 1.0a). No FSB delivery.
class Hpet final : public Device {
 public:
  static constexpr u64 kBase = 0xfed00000;
  static constexpr u64 kLength = 0x400;

  // Timers interrupt through I/O APIC pins of the chip. legacy_changed is told when the HPET takes
  // the PIT's and the RTC's interrupts over, with the lock held: set flags only.
  Hpet(Clock& clock, IrqChip& irq_chip, std::function<void(bool is_legacy)> legacy_changed);

 private:
  static constexpr u32 kTimers = 3;
  struct Channel {
    u64 config = 0;
    u64 comparator = ~u64{0};
    u64 period = 0;
    std::optional<u64> due_ns;
    std::unique_ptr<Timer> timer;
  };

  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override;
  u64 ReadQuad(u64 at) const;
  void WriteQuad(u64 at, u64 value, u64 mask);
  void WriteConfig(u64 value);
  void WriteChannel(u32 index, u64 reg, u64 value, u64 mask);
  void WriteComparator(Channel& channel, u64 value, u64 mask);
  void ClearStatus(u64 bits);

  bool IsEnabled() const;
  bool IsLegacy() const;
  u64 Counter() const;
  void Schedule(u32 index);
  void ScheduleAll();
  void OnTimer(u32 index);
  void Fire(u32 index);
  Gsi Route(u32 index) const;

  Clock& clock_;
  IrqChip& irq_chip_;
  const std::function<void(bool)> legacy_changed_;
  u64 config_ = 0;
  u64 status_ = 0;
  u64 counter_ = 0;  // while stopped; while running: its value at start_ns_
  u64 start_ns_ = 0;
  std::array<Channel, kTimers> channels_;
};

}  // namespace tandem::devices
