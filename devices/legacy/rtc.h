#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <optional>

#include "devices/bus/clock.h"
#include "devices/bus/irq.h"
#include "devices/legacy/byte_device.h"

namespace tandem::devices {

// The MC146818 real-time clock with 128 bytes of CMOS memory, ports 0x70 and 0x71 (Motorola data
// sheet MC146818A). Runs with the machine's Clock from a given start.
class Rtc final : public ByteDevice {
 public:
  static constexpr u64 kPort = 0x70;
  static constexpr u64 kLength = 2;

  // on_alarm: called with the lock held when an alarm falls due that may interrupt; leaves a
  // message. start_seconds: what the clock shows at Clock time zero, as seconds since 1970 in the
  // guest's own zone (UTC for -rtc base=utc).
  Rtc(Clock& clock, IrqLine irq, i64 start_seconds, std::function<void()> on_alarm = {});

  // CMOS bytes that firmware reads (memory size, boot order); index 0x0e-0x7f. Any thread.
  void SetCmos(u8 index, u8 value);
  u8 GetCmos(u8 index);
  // The HPET takes the interrupt over while it replaces the legacy timers. Any thread.
  void SetIrqEnabled(bool enabled) { is_irq_enabled_.store(enabled); }

 private:
  u8 ReadByte(u64 offset) override;
  void WriteByte(u64 offset, u8 value) override;
  void DoReset() override;
  u8 ReadRegister(u8 index);
  void WriteRegister(u8 index, u8 value);
  void WriteB(u8 value);

  bool IsSetting() const;
  i64 NowNs() const;
  void ShowTime();
  void TakeTime();
  u8 Encode(int value) const;
  int Decode(u8 value) const;
  u8 EncodeHour(int hour) const;
  int DecodeHour(u8 value) const;
  bool IsAlarmDue() const;

  u64 PeriodNs() const;
  void CatchUp();
  void CatchUpPeriodic();
  void Schedule();
  void UpdateIrq();
  void OnTimer();

  Clock& clock_;
  const IrqLine irq_;
  const std::function<void()> on_alarm_;
  std::atomic<bool> is_irq_enabled_{true};
  std::array<u8, 128> cmos_{};
  u8 index_ = 0;
  i64 offset_ns_ = 0;    // what is shown minus Clock time
  i64 last_second_ = 0;  // up to which updates have been accounted for
  u64 last_period_ = 0;  // the same for periodic interrupts, in periods of Clock time
  Timer timer_;
};

}  // namespace tandem::devices
