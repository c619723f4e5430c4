#include "devices/legacy/pit.h"

#include "base/bits.h"

namespace tandem::devices {
namespace {

constexpr u64 kControl = 3;
constexpr u32 kReadBack = 3;
constexpr u64 kRefreshNs = 15085;  // DRAM refresh toggles bit 4 of port 0x61

}  // namespace

Pit::Pit(Clock& clock, IrqLine irq)
    : clock_(clock), irq_(irq), timer_(clock, [this] { OnTimer(); }) {}

void Pit::DoReset() {
  for (PitChannel& channel : channels_) {
    channel.Reset();
  }
  control_b_ = 0;
  ScheduleIrq();
}

// The line follows the output; its rises come from the timer.
void Pit::ScheduleIrq() {
  const u64 now = clock_.NowNs();
  next_rise_ns_ = channels_[0].NextRise(now);
  if (is_irq_enabled_.load()) {
    irq_.Set(channels_[0].Output(now));
  }
  if (next_rise_ns_) {
    timer_.Arm(*next_rise_ns_);
  } else {
    timer_.Cancel();
  }
}

void Pit::OnTimer() {
  MutexLock lock(mu_);
  if (!next_rise_ns_ || clock_.NowNs() < *next_rise_ns_) {
    return;
  }
  if (is_irq_enabled_.load()) {
    irq_.Set(false);
    irq_.Set(true);
  }
  ScheduleIrq();
}

u8 Pit::ReadByte(u64 offset) {
  if (offset == kControlOffset) {
    return ReadControlPortB();
  }
  return offset < kControl ? channels_[offset].Read(clock_.NowNs()) : 0xff;
}

u8 Pit::ReadControlPortB() {
  const u64 now = clock_.NowNs();
  const u8 refresh = static_cast<u8>(now / kRefreshNs & 1);
  return static_cast<u8>(control_b_ | refresh << 4 | channels_[2].Output(now) << 5);
}

void Pit::WriteByte(u64 offset, u8 value) {
  if (offset == kControlOffset) {
    control_b_ = value & 0x0f;
    channels_[2].SetGate(Bit(value, 0), clock_.NowNs());
  } else if (offset == kControl) {
    WriteControl(value);
  } else {
    channels_[offset].WriteCount(value, clock_.NowNs());
    if (offset == 0) {
      ScheduleIrq();
    }
  }
}

void Pit::WriteControl(u8 value) {
  const u32 index = static_cast<u32>(BitsOf(value, 6, 2));
  if (index == kReadBack) {
    ReadBack(value);
  } else if (BitsOf(value, 4, 2) == 0) {
    channels_[index].LatchCount(clock_.NowNs());
  } else {
    channels_[index].WriteControl(value, clock_.NowNs());
    if (index == 0) {
      ScheduleIrq();
    }
  }
}

void Pit::ReadBack(u8 value) {
  const u64 now = clock_.NowNs();
  for (u32 i = 0; i < channels_.size(); ++i) {
    if (!Bit(value, i + 1)) {
      continue;
    }
    if (!Bit(value, 5)) {
      channels_[i].LatchCount(now);
    }
    if (!Bit(value, 4)) {
      channels_[i].LatchStatus(now);
    }
  }
}

PitState Pit::SavePit() {
  MutexLock lock(mu_);
  PitState state;
  const u64 now = clock_.NowNs();
  for (size_t i = 0; i < channels_.size(); ++i) {
    state.channels[i] = channels_[i].Save(now);
  }
  state.control_b = control_b_;
  state.is_irq_enabled = is_irq_enabled_.load();
  return state;
}

void Pit::LoadPit(const PitState& state) {
  MutexLock lock(mu_);
  const u64 now = clock_.NowNs();
  for (size_t i = 0; i < channels_.size(); ++i) {
    channels_[i].Load(state.channels[i], now);
  }
  control_b_ = state.control_b;
  is_irq_enabled_.store(state.is_irq_enabled);
  if (state.channels[0].is_programmed) {
    ScheduleIrq();
  }
}

}  // namespace tandem::devices
