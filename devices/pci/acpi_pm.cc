#include "devices/pci/acpi_pm.h"

#include "base/bits.h"
#include "base/log.h"

namespace tandem::devices {
namespace {

constexpr u64 kTimerHz = 3579545;
constexpr u64 kNsPerSecond = 1'000'000'000;
constexpr u64 kTimerHalf = 1u << 23;  // bit 23 changes after as many ticks

constexpr u64 kPm1Status = 0x00;
constexpr u64 kPm1Enable = 0x02;
constexpr u64 kPm1Control = 0x04;
constexpr u64 kPmTimer = 0x08;
constexpr u64 kGlobalControl = 0x28;

constexpr u16 kTimerStatus = 1u << 0;
constexpr u16 kPowerButton = 1u << 8;
constexpr u16 kRtcAlarm = 1u << 10;
constexpr u16 kWoken = 1u << 15;
constexpr u16 kStatusBits = 0x8d31;  // write one to clear
constexpr u16 kEnableBits = 0x0521;

constexpr u16 kSciEnable = 1u << 0;
constexpr u16 kSleepEnable = 1u << 13;
constexpr u16 kControlBits = 0x1c07;

// The sleep types of QEMU's pc, as its DSDT names them.
constexpr u32 kSleepS5 = 0;
constexpr u32 kSleepS3 = 1;

// a * b / c without overflow for a product beyond 64 bits.
u64 MulDiv(u64 a, u64 b, u64 c) {
  return static_cast<u64>(static_cast<unsigned __int128>(a) * b / c);
}

u16 WithByte(u16 value, u64 index, u8 byte) {
  const unsigned shift = 8 * static_cast<unsigned>(index & 1);
  return static_cast<u16>((value & ~(0xff << shift)) | byte << shift);
}

u8 ByteOf(u64 value, u64 index) { return static_cast<u8>(value >> (8 * index)); }

}  // namespace

AcpiPm::AcpiPm(Clock& clock, IrqLine sci, PowerRequests requests)
    : clock_(clock),
      sci_(sci),
      requests_(std::move(requests)),
      overflow_(clock, [this] { OnTimerOverflow(); }) {}

u64 AcpiPm::TimerTicks() const { return MulDiv(clock_.NowNs(), kTimerHz, kNsPerSecond); }

// TMR_STS is set each time that bit 23 changes; it is worked out when somebody looks.
u16 AcpiPm::Pm1Status() {
  if (TimerTicks() - overflow_ticks_ >= kTimerHalf) {
    pm1_status_ |= kTimerStatus;
  }
  return pm1_status_;
}

void AcpiPm::UpdateSci() {
  const bool pm1 = (Pm1Status() & pm1_enable_ & kEnableBits) != 0;
  const bool gpe = (gpe_status_ & gpe_enable_) != 0;
  sci_.Set((pm1 || gpe) && (pm1_control_ & kSciEnable) != 0);
  if ((pm1_enable_ & kTimerStatus) != 0 && (pm1_status_ & kTimerStatus) == 0) {
    overflow_.Arm(MulDiv(overflow_ticks_ + kTimerHalf, kNsPerSecond, kTimerHz) + 1);
  } else {
    overflow_.Cancel();
  }
}

void AcpiPm::OnTimerOverflow() {
  MutexLock lock(mu_);
  UpdateSci();
}

void AcpiPm::PressPowerButton() {
  MutexLock lock(mu_);
  pm1_status_ |= kPowerButton;
  WakeBy(kPowerButton);
  UpdateSci();
}

void AcpiPm::RaiseRtcAlarm() {
  MutexLock lock(mu_);
  pm1_status_ |= kRtcAlarm;
  if ((pm1_enable_ & kRtcAlarm) != 0) {
    WakeBy(kRtcAlarm);
  }
  UpdateSci();
}

void AcpiPm::WakeBy(u16 status) {
  if (is_asleep_) {
    is_asleep_ = false;
    wake_status_ = status;
    requests_.wake();
  }
}

u16 AcpiPm::wake_status() {
  MutexLock lock(mu_);
  return wake_status_;
}

void AcpiPm::ShowWake(u16 status) {
  MutexLock lock(mu_);
  pm1_status_ |= status | kWoken;
  UpdateSci();
}

void AcpiPm::RaiseGpe(u32 bit) {
  MutexLock lock(mu_);
  gpe_status_ |= static_cast<u16>(1u << (bit & 15));
  if ((gpe_status_ & gpe_enable_) != 0) {
    WakeBy(0);
  }
  UpdateSci();
}

void AcpiPm::DoRead(u64 offset, std::span<std::byte> data) {
  if (offset == kPmTimer && data.size() == 4) {  // must not be torn into bytes
    SetAccessValue(data, TimerTicks() & 0xffffff);
    return;
  }
  for (size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<std::byte>(ReadByte(offset + i));
  }
}

u8 AcpiPm::ReadByte(u64 offset) {
  if (offset >= kApmOffset) {
    return offset == kApmOffset ? apm_control_ : apm_status_;
  }
  if (offset >= kGpe0Offset) {
    return ByteOf(gpe_status_ | u32{gpe_enable_} << 16, offset - kGpe0Offset);
  }
  switch (offset & ~u64{3}) {
    case kPm1Status:
      return ByteOf(Pm1Status() | u32{pm1_enable_} << 16, offset);
    case kPm1Control:
      return ByteOf(pm1_control_, offset - kPm1Control);
    case kPmTimer:
      return ByteOf(TimerTicks() & 0xffffff, offset - kPmTimer);
    case kGlobalControl:
      return ByteOf(global_control_, offset - kGlobalControl);
    default:
      return 0;
  }
}

void AcpiPm::DoWrite(u64 offset, std::span<const std::byte> data) {
  if (offset == kPm1Control && data.size() >= 2) {
    WritePm1Control(static_cast<u16>(AccessValue(data)));
    return;
  }
  for (size_t i = 0; i < data.size(); ++i) {
    WriteByte(offset + i, static_cast<u8>(data[i]));
  }
  UpdateSci();
}

void AcpiPm::WriteByte(u64 offset, u8 value) {
  if (offset >= kApmOffset) {
    offset == kApmOffset ? WriteApm(value) : static_cast<void>(apm_status_ = value);
    return;
  }
  const unsigned shift = 8 * static_cast<unsigned>(offset & 1);
  if (offset >= kGpe0Offset) {
    if (offset < kGpe0Offset + 2) {
      gpe_status_ &= static_cast<u16>(~(value << shift));
    } else {
      gpe_enable_ = WithByte(gpe_enable_, offset, value);
    }
    return;
  }
  switch (offset & ~u64{1}) {
    case kPm1Status:
      (void)Pm1Status();
      pm1_status_ &= static_cast<u16>(~(value << shift & kStatusBits));
      if (offset == kPm1Status && (value & kTimerStatus) != 0) {
        overflow_ticks_ = AlignDown(TimerTicks(), kTimerHalf);
      }
      break;
    case kPm1Enable:
      pm1_enable_ = WithByte(pm1_enable_, offset, value);
      break;
    case kPm1Control:
      WritePm1Control(WithByte(pm1_control_, offset, value));
      break;
    default:
      if (offset >= kGlobalControl && offset < kGlobalControl + 4) {
        const unsigned at = 8 * static_cast<unsigned>(offset - kGlobalControl);
        global_control_ = (global_control_ & ~(0xffu << at)) | u32{value} << at;
      }
      break;
  }
}

void AcpiPm::WritePm1Control(u16 value) {
  pm1_control_ = value & kControlBits;
  if ((value & kSleepEnable) != 0) {
    EnterSleep(static_cast<u32>(BitsOf(value, 10, 3)));
  }
  UpdateSci();
}

void AcpiPm::EnterSleep(u32 type) {
  if (type == kSleepS5) {
    requests_.shut_down();
  } else if (type == kSleepS3) {
    is_asleep_ = true;
    requests_.suspend();
  } else {
    Log(LogItem::kUnimp, "acpi: sleep type {} was asked for", type);
  }
}

void AcpiPm::WriteApm(u8 value) {
  apm_control_ = value;
  if (value == kAcpiEnable) {
    pm1_control_ |= kSciEnable;
  } else if (value == kAcpiDisable) {
    pm1_control_ &= static_cast<u16>(~kSciEnable);
  }
}

void AcpiPm::DoReset() {
  is_asleep_ = false;
  pm1_status_ = 0;
  pm1_enable_ = 0;
  pm1_control_ = 0;
  gpe_status_ = 0;
  gpe_enable_ = 0;
  apm_control_ = 0;
  apm_status_ = 0;
  global_control_ = 0;
  overflow_ticks_ = AlignDown(TimerTicks(), kTimerHalf);
  UpdateSci();
}

}  // namespace tandem::devices
