#pragma once

#include <array>
#include <atomic>

#include "devices/bus/clock.h"
#include "devices/bus/irq_state.h"
#include "devices/legacy/byte_device.h"
#include "devices/legacy/pit_channel.h"

namespace tandem::devices {

// The 8254 timer and system control port B (0x61), which gates its channel 2. One device mapped at
// two places. Channel 0 drives the timer interrupt.
class Pit final : public ByteDevice, public IntervalTimer {
 public:
  static constexpr u64 kPort = 0x40;
  static constexpr u64 kLength = 4;
  static constexpr u64 kControlPortB = 0x61;  // one port, at device offset:
  static constexpr u64 kControlOffset = 4;

  Pit(Clock& clock, IrqLine irq);

  void SetIrqEnabled(bool enabled) override { is_irq_enabled_.store(enabled); }
  PitState SavePit() override;
  // The interrupt's line is at the output's level already, or goes there.
  void LoadPit(const PitState& state) override;

 private:
  u8 ReadByte(u64 offset) override;
  void WriteByte(u64 offset, u8 value) override;
  void DoReset() override;
  void WriteControl(u8 value);
  void ReadBack(u8 value);
  u8 ReadControlPortB();
  void ScheduleIrq();
  void OnTimer();

  Clock& clock_;
  const IrqLine irq_;
  std::atomic<bool> is_irq_enabled_{true};
  std::array<PitChannel, 3> channels_{PitChannel(true), PitChannel(true), PitChannel(false)};
  u8 control_b_ = 0;
  std::optional<u64> next_rise_ns_;
  Timer timer_;
};

}  // namespace tandem::devices
