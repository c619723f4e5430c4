#pragma once

#include <functional>

#include "devices/bus/clock.h"
#include "devices/bus/device.h"
#include "devices/bus/irq.h"

namespace tandem::devices {

// What the power management registers ask of the machine. Called with a device lock held: leave a
// message, do no work.
struct PowerRequests {
  std::function<void()> shut_down;  // S5 was entered
  std::function<void()> suspend;    // S3 was entered: the processors stop
  std::function<void()> wake;       // something ends it
};

// The ACPI fixed hardware (ACPI 6.4, 4.8): PM1 event and control, PM timer, GPE0, and the APM/SMI
// command port that switches ACPI mode. One device mapped at three places.
class AcpiPm final : public Device {
 public:
  static constexpr u64 kPm1Offset = 0;  // 64 bytes, at PMBASE
  static constexpr u64 kPm1Length = 64;
  static constexpr u64 kGpe0Offset = 0x100;  // 4 bytes, at 0xafe0
  static constexpr u64 kGpe0Length = 4;
  static constexpr u64 kApmOffset = 0x200;  // 2 bytes, at 0xb2
  static constexpr u64 kApmLength = 2;

  static constexpr u8 kAcpiEnable = 0xf1;  // what the FADT names for port 0xb2
  static constexpr u8 kAcpiDisable = 0xf0;

  AcpiPm(Clock& clock, IrqLine sci, PowerRequests requests);

  // Any thread; no lock of this device held. All three wake the machine from S3 if they are enabled
  // to, the button always.
  void PressPowerButton();
  void RaiseRtcAlarm();
  // Sets a GPE0 status bit, 0-15.
  void RaiseGpe(u32 bit);
  // After the reset that follows S3: what woke the machine is told again, and that it woke.
  void ShowWake(u16 status);
  u16 wake_status();

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override;
  u8 ReadByte(u64 offset);
  void WriteByte(u64 offset, u8 value);
  u16 Pm1Status();
  void WritePm1Control(u16 value);
  void EnterSleep(u32 type);
  void WakeBy(u16 status);
  void WriteApm(u8 value);
  u64 TimerTicks() const;
  void UpdateSci();
  void OnTimerOverflow();

  Clock& clock_;
  const IrqLine sci_;
  const PowerRequests requests_;
  bool is_asleep_ = false;
  u16 wake_status_ = 0;  // of PM1, as when the machine woke
  u16 pm1_status_ = 0;
  u16 pm1_enable_ = 0;
  u16 pm1_control_ = 0;
  u16 gpe_status_ = 0;
  u16 gpe_enable_ = 0;
  u8 apm_control_ = 0;
  u8 apm_status_ = 0;
  u64 overflow_ticks_ = 0;  // the timer count whose bit 23 changed last
  u32 global_control_ = 0;
  Timer overflow_;
};

}  // namespace tandem::devices
