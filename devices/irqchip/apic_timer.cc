// The timer side of ApicCore (SDM Vol. 3, "APIC Timer"). Bus clock and TSC both run at 1 GHz of
// Clock time, so counts and deadlines are nanoseconds.
#include <algorithm>

#include "base/bits.h"
#include "devices/irqchip/apic_core.h"

namespace tandem::devices {
namespace {

constexpr u32 kPeriodic = 1;
constexpr u32 kDeadline = 2;

static_assert(kTscHz == 1'000'000'000, "deadlines are taken as nanoseconds");

}  // namespace

// Bits 0, 1 and 3 of the divide register: 2, 4, ... 128, 1.
u64 ApicCore::TickNs() const {
  const u32 code = (divide_ & 3) | (divide_ >> 1 & 4);
  return u64{1} << ((code + 1) & 7);
}

u32 ApicCore::CurrentCount() const {
  if (initial_count_ == 0 || TimerMode() == kDeadline || !expiry_ns_) {
    return 0;
  }
  const u64 now = clock_.NowNs();
  if (now < *expiry_ns_) {
    return static_cast<u32>((*expiry_ns_ - now + TickNs() - 1) / TickNs());
  }
  if (TimerMode() != kPeriodic) {
    return 0;
  }
  const u64 ticks_late = (now - *expiry_ns_) / TickNs();
  return static_cast<u32>(initial_count_ - ticks_late % initial_count_);
}

void ApicCore::ArmTimer(u64 at_ns) {
  expiry_ns_ = at_ns;
  timer_.Arm(at_ns);
}

void ApicCore::StopTimer() {
  expiry_ns_.reset();
  timer_.Cancel();
}

void ApicCore::RestartCount(u32 count) {
  if (count == 0) {
    StopTimer();
    return;
  }
  ArmTimer(clock_.NowNs() + count * TickNs());
}

void ApicCore::WriteInitialCount(u32 value) {
  if (TimerMode() == kDeadline) {
    return;
  }
  initial_count_ = value;
  RestartCount(value);
}

void ApicCore::WriteDivide(u32 value) {
  const u32 left = CurrentCount();
  divide_ = value & 0xb;
  if (left != 0) {
    RestartCount(left);
  }
}

void ApicCore::WriteDeadline(u64 value) {
  if (TimerMode() != kDeadline) {
    return;
  }
  deadline_ = value;
  if (value == 0) {
    StopTimer();
  } else if (value > clock_.NowNs()) {
    ArmTimer(value);
  } else {  // the interrupt is there before the next instruction
    StopTimer();
    deadline_ = 0;
    RaiseLvt(kTimer);
  }
}

// Cancel and re-arming may cross a callback: only a due expiry counts.
void ApicCore::OnTimer() {
  const u64 now = clock_.NowNs();
  if (!expiry_ns_ || now < *expiry_ns_) {
    return;
  }
  if (TimerMode() == kPeriodic) {
    // Periods that were slept through are dropped: the guest could not have seen them either.
    const u64 period = std::max<u64>(initial_count_ * TickNs(), 1);
    ArmTimer(*expiry_ns_ + ((now - *expiry_ns_) / period + 1) * period);
  } else {
    expiry_ns_.reset();
    deadline_ = 0;
  }
  RaiseLvt(kTimer);
}

}  // namespace tandem::devices
