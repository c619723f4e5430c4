#include "devices/legacy/rtc.h"

#include <time.h>

#include <algorithm>

#include "base/bits.h"

namespace tandem::devices {
namespace {

constexpr i64 kNsPerSecond = 1'000'000'000;
constexpr i64 kUpdateNs = 244'000;  // UIP is up so long before each update

constexpr u8 kSeconds = 0x00;
constexpr u8 kSecondsAlarm = 0x01;
constexpr u8 kMinutes = 0x02;
constexpr u8 kMinutesAlarm = 0x03;
constexpr u8 kHours = 0x04;
constexpr u8 kHoursAlarm = 0x05;
constexpr u8 kWeekday = 0x06;
constexpr u8 kDay = 0x07;
constexpr u8 kMonth = 0x08;
constexpr u8 kYear = 0x09;
constexpr u8 kA = 0x0a;
constexpr u8 kB = 0x0b;
constexpr u8 kC = 0x0c;
constexpr u8 kD = 0x0d;
constexpr u8 kCentury = 0x32;

constexpr u8 kUpdateInProgress = 0x80;
constexpr u8 kSet = 0x80;
constexpr u8 kPeriodic = 0x40;  // enable in B, flag in C; likewise the next two
constexpr u8 kAlarm = 0x20;
constexpr u8 kUpdate = 0x10;
constexpr u8 kBinary = 0x04;
constexpr u8 k24Hours = 0x02;
constexpr u8 kIrq = 0x80;
constexpr u8 kPm = 0x80;
constexpr u8 kAnyValue = 0xc0;

bool IsTime(u8 index) {
  return index == kCentury || index == kSeconds || index == kMinutes || index == kHours ||
         (index >= kWeekday && index <= kYear);
}

i64 FloorDiv(i64 a, i64 b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

Rtc::Rtc(Clock& clock, IrqLine irq, i64 start_seconds, std::function<void()> on_alarm)
    : clock_(clock),
      irq_(irq),
      on_alarm_(std::move(on_alarm)),
      offset_ns_(start_seconds * kNsPerSecond),
      timer_(clock, [this] { OnTimer(); }) {
  cmos_[kA] = 0x26;
  cmos_[kB] = k24Hours;
  last_second_ = FloorDiv(NowNs(), kNsPerSecond);
}

i64 Rtc::NowNs() const { return static_cast<i64>(clock_.NowNs()) + offset_ns_; }
bool Rtc::IsSetting() const { return (cmos_[kB] & kSet) != 0; }

// A reset leaves time, alarm and memory alone (data sheet, "RESET").
void Rtc::DoReset() {
  cmos_[kB] &= static_cast<u8>(~(kPeriodic | kAlarm | kUpdate));
  cmos_[kC] = 0;
  index_ = 0;
  UpdateIrq();
  Schedule();
}

void Rtc::SetCmos(u8 index, u8 value) {
  MutexLock lock(mu_);
  cmos_[index & 0x7f] = value;
}

u8 Rtc::GetCmos(u8 index) {
  MutexLock lock(mu_);
  return cmos_[index & 0x7f];
}

u8 Rtc::ReadByte(u64 offset) { return offset == 0 ? 0xff : ReadRegister(index_ & 0x7f); }

// Bit 7 of the index port masks NMI; there is no source that it could mask.
void Rtc::WriteByte(u64 offset, u8 value) {
  if (offset == 0) {
    index_ = value;
  } else {
    WriteRegister(index_ & 0x7f, value);
  }
}

u8 Rtc::ReadRegister(u8 index) {
  if (IsTime(index) && !IsSetting()) {
    ShowTime();
  }
  switch (index) {
    case kA: {
      const i64 into_second = NowNs() - FloorDiv(NowNs(), kNsPerSecond) * kNsPerSecond;
      const bool updates = !IsSetting() && into_second >= kNsPerSecond - kUpdateNs;
      return cmos_[kA] | (updates ? kUpdateInProgress : 0);
    }
    case kC: {
      CatchUp();
      const u8 flags = cmos_[kC];
      cmos_[kC] = 0;
      UpdateIrq();
      Schedule();
      return flags;
    }
    case kD:
      return 0x80;  // the battery is good
    default:
      return cmos_[index];
  }
}

void Rtc::WriteRegister(u8 index, u8 value) {
  if (IsTime(index)) {
    if (!IsSetting()) {
      ShowTime();
    }
    cmos_[index] = value;
    if (!IsSetting()) {
      TakeTime();
    }
    return;
  }
  switch (index) {
    case kA:
      CatchUp();
      cmos_[kA] = value & 0x7f;
      last_period_ = PeriodNs() == 0 ? 0 : clock_.NowNs() / PeriodNs();
      Schedule();
      break;
    case kB:
      WriteB(value);
      break;
    case kC:
    case kD:
      break;
    default:
      cmos_[index] = value;
      Schedule();
      break;
  }
}

void Rtc::WriteB(u8 value) {
  CatchUp();
  const bool was_setting = IsSetting();
  if (!was_setting && (value & kSet) != 0) {
    ShowTime();
    value &= static_cast<u8>(~kUpdate);
  }
  cmos_[kB] = value;
  if (was_setting && !IsSetting()) {
    TakeTime();
  }
  UpdateIrq();
  Schedule();
}

u8 Rtc::Encode(int value) const {
  return static_cast<u8>((cmos_[kB] & kBinary) != 0 ? value : value / 10 * 16 + value % 10);
}

int Rtc::Decode(u8 value) const {
  return (cmos_[kB] & kBinary) != 0 ? value : (value >> 4) * 10 + (value & 0xf);
}

u8 Rtc::EncodeHour(int hour) const {
  if ((cmos_[kB] & k24Hours) != 0) {
    return Encode(hour);
  }
  const int shown = hour % 12 == 0 ? 12 : hour % 12;
  return static_cast<u8>(Encode(shown) | (hour >= 12 ? kPm : 0));
}

int Rtc::DecodeHour(u8 value) const {
  if ((cmos_[kB] & k24Hours) != 0) {
    return Decode(value);
  }
  return Decode(value & 0x7f) % 12 + ((value & kPm) != 0 ? 12 : 0);
}

// Writes the time into its registers.
void Rtc::ShowTime() {
  const time_t seconds = FloorDiv(NowNs(), kNsPerSecond);
  tm shown{};
  ::gmtime_r(&seconds, &shown);
  const int year = shown.tm_year + 1900;
  cmos_[kSeconds] = Encode(shown.tm_sec);
  cmos_[kMinutes] = Encode(shown.tm_min);
  cmos_[kHours] = EncodeHour(shown.tm_hour);
  cmos_[kWeekday] = Encode(shown.tm_wday + 1);
  cmos_[kDay] = Encode(shown.tm_mday);
  cmos_[kMonth] = Encode(shown.tm_mon + 1);
  cmos_[kYear] = Encode(year % 100);
  cmos_[kCentury] = Encode(year / 100);
}

// Lets the clock run on from what its registers hold.
void Rtc::TakeTime() {
  tm shown{};
  shown.tm_sec = Decode(cmos_[kSeconds]);
  shown.tm_min = Decode(cmos_[kMinutes]);
  shown.tm_hour = DecodeHour(cmos_[kHours]);
  shown.tm_mday = Decode(cmos_[kDay]);
  shown.tm_mon = Decode(cmos_[kMonth]) - 1;
  shown.tm_year = Decode(cmos_[kCentury]) * 100 + Decode(cmos_[kYear]) - 1900;
  const i64 seconds = ::timegm(&shown);
  offset_ns_ = seconds * kNsPerSecond - static_cast<i64>(clock_.NowNs());
  last_second_ = seconds;
  Schedule();
}

bool Rtc::IsAlarmDue() const {
  const auto matches = [&](u8 alarm, u8 time) {
    return (cmos_[alarm] & kAnyValue) == kAnyValue || cmos_[alarm] == cmos_[time];
  };
  return matches(kSecondsAlarm, kSeconds) && matches(kMinutesAlarm, kMinutes) &&
         matches(kHoursAlarm, kHours);
}

// Register A's rate select; zero: no periodic interrupt.
u64 Rtc::PeriodNs() const {
  u32 rate = cmos_[kA] & 0xf;
  if (rate == 0) {
    return 0;
  }
  rate = rate <= 2 ? rate + 7 : rate;
  return static_cast<u64>(kNsPerSecond) * (u64{1} << (rate - 1)) / 32768;
}

void Rtc::CatchUpPeriodic() {
  const u64 period = PeriodNs();
  if (period != 0 && clock_.NowNs() / period != last_period_) {
    last_period_ = clock_.NowNs() / period;
    cmos_[kC] |= kPeriodic;
  }
}

// Sets the flags of what has happened since it was last looked at. Alarms are seen at their second
// because an enabled one keeps the timer running.
void Rtc::CatchUp() {
  CatchUpPeriodic();
  const i64 second = FloorDiv(NowNs(), kNsPerSecond);
  if (!IsSetting() && second != last_second_) {
    last_second_ = second;
    ShowTime();
    const bool is_alarm = IsAlarmDue();
    cmos_[kC] |= kUpdate | (is_alarm ? kAlarm : 0);
    if (is_alarm && (cmos_[kB] & kAlarm) != 0 && on_alarm_) {
      on_alarm_();
    }
  }
}

void Rtc::UpdateIrq() {
  const bool wants = (cmos_[kB] & cmos_[kC] & (kPeriodic | kAlarm | kUpdate)) != 0;
  cmos_[kC] = static_cast<u8>(WithBit(cmos_[kC], 7, wants));
  irq_.Set(wants && is_irq_enabled_.load());
}

// The earliest moment at which an enabled source has something new.
void Rtc::Schedule() {
  std::optional<u64> next;
  const u8 enabled = cmos_[kB];
  if ((enabled & (kAlarm | kUpdate)) != 0 && !IsSetting()) {
    const i64 second = FloorDiv(NowNs(), kNsPerSecond) + 1;
    next = static_cast<u64>(std::max<i64>(second * kNsPerSecond - offset_ns_, 0));
  }
  if ((enabled & kPeriodic) != 0 && PeriodNs() != 0) {
    const u64 tick = (clock_.NowNs() / PeriodNs() + 1) * PeriodNs();
    next = next ? std::min(*next, tick) : tick;
  }
  if (next) {
    timer_.Arm(*next);
  } else {
    timer_.Cancel();
  }
}

void Rtc::OnTimer() {
  MutexLock lock(mu_);
  CatchUp();
  UpdateIrq();
  Schedule();
}

}  // namespace tandem::devices
