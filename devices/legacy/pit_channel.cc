#include "devices/legacy/pit_channel.h"

#include <utility>

#include "base/bits.h"

namespace tandem::devices {
namespace {

constexpr u64 kNsPerSecond = 1'000'000'000;

u64 MulDiv(u64 a, u64 b, u64 c) {
  return static_cast<u64>(static_cast<unsigned __int128>(a) * b / c);
}

u32 FromBcd(u32 value) {
  return (value & 0xf) + (value >> 4 & 0xf) * 10 + (value >> 8 & 0xf) * 100 +
         (value >> 12 & 0xf) * 1000;
}

u16 ToBcd(u32 value) {
  return static_cast<u16>(value % 10 | value / 10 % 10 << 4 | value / 100 % 10 << 8 |
                          value / 1000 % 10 << 12);
}

// Modes 1 and 5 wait for the gate's rising edge; 0 and 4 count once; 2 and 3 count over and over.
bool IsTriggered(u8 mode) { return mode == 1 || mode == 5; }
bool IsPeriodic(u8 mode) { return mode == 2 || mode == 3; }

}  // namespace

void PitChannel::WriteControl(u8 value, u64) {
  access_ = static_cast<Access>(BitsOf(value, 4, 2));
  mode_ = static_cast<u8>(BitsOf(value, 1, 3));
  if (mode_ > 5) {
    mode_ -= 4;  // bit 2 is ignored in modes 2 and 3
  }
  is_bcd_ = Bit(value, 0);
  is_programmed_ = true;
  is_loaded_ = false;
  is_running_ = false;
  writes_high_next_ = reads_high_next_ = access_ == Access::kHigh;
  latched_count_.reset();
  latched_status_.reset();
}

void PitChannel::WriteCount(u8 value, u64 now_ns) {
  if (access_ == Access::kLow) {
    LoadCount(value, now_ns);
  } else if (access_ == Access::kHigh) {
    LoadCount(u32{value} << 8, now_ns);
  } else if (writes_high_next_) {
    writes_high_next_ = false;
    LoadCount(low_written_ | u32{value} << 8, now_ns);
  } else {
    writes_high_next_ = true;
    low_written_ = value;
    if (mode_ == 0) {
      is_loaded_ = is_running_ = false;  // the first byte stops the count
    }
  }
}

void PitChannel::SetReload(u32 count) {
  reload_ = is_bcd_ ? FromBcd(count) : count;
  if (reload_ == 0) {
    reload_ = is_bcd_ ? 10000 : 0x10000;
  }
}

void PitChannel::LoadCount(u32 count, u64 now_ns) {
  SetReload(count);
  is_loaded_ = true;
  stopped_ticks_ = 0;
  start_ns_ = static_cast<i64>(now_ns);
  is_running_ = !IsTriggered(mode_) && gate_;
}

u64 PitChannel::Elapsed(u64 now_ns) const {
  if (!is_running_) {
    return stopped_ticks_;
  }
  const i64 ns = static_cast<i64>(now_ns) - start_ns_;
  return ns < 0 ? 0 : MulDiv(static_cast<u64>(ns), kHz, kNsPerSecond);
}

// The first nanosecond at which `ticks` have elapsed.
u64 PitChannel::TimeOf(u64 ticks) const {
  return static_cast<u64>(start_ns_) + MulDiv(ticks, kNsPerSecond, kHz) + 1;
}

u16 PitChannel::Count(u64 now_ns) const {
  const u64 ticks = Elapsed(now_ns);
  switch (mode_) {
    case 2:
      return static_cast<u16>(reload_ - ticks % reload_);
    case 3:
      return static_cast<u16>(reload_ - 2 * ticks % reload_) & 0xfffe;
    default:
      return static_cast<u16>(is_bcd_ ? (reload_ + 10000 - ticks % 10000) % 10000
                                      : reload_ - ticks);
  }
}

u16 PitChannel::Encoded(u16 count) const { return is_bcd_ ? ToBcd(count) : count; }

bool PitChannel::Output(u64 now_ns) const {
  if (!is_loaded_) {
    return mode_ != 0;
  }
  const u64 ticks = Elapsed(now_ns);
  switch (mode_) {
    case 0:
      return ticks >= reload_;
    case 1:
      return !is_running_ || ticks >= reload_;
    case 2:
      return !is_running_ || ticks % reload_ != reload_ - 1;
    case 3:
      return !is_running_ || ticks % reload_ < (reload_ + 1) / 2;
    default:
      return !is_running_ || ticks != reload_;
  }
}

std::optional<u64> PitChannel::NextRise(u64 now_ns) const {
  if (!is_loaded_ || !is_running_) {
    return std::nullopt;
  }
  const u64 ticks = Elapsed(now_ns);
  if (IsPeriodic(mode_)) {
    return TimeOf((ticks / reload_ + 1) * reload_);
  }
  const u64 rise = mode_ <= 1 ? reload_ : reload_ + 1;
  return ticks < rise ? std::optional<u64>(TimeOf(rise)) : std::nullopt;
}

void PitChannel::LatchCount(u64 now_ns) {
  if (!latched_count_) {
    latched_count_ = Encoded(Count(now_ns));
  }
}

void PitChannel::LatchStatus(u64 now_ns) {
  if (!latched_status_) {
    latched_status_ = static_cast<u8>(Output(now_ns) << 7 | !is_loaded_ << 6 |
                                      static_cast<u8>(access_) << 4 | mode_ << 1 | is_bcd_);
  }
}

u8 PitChannel::Read(u64 now_ns) {
  if (latched_status_) {
    return *std::exchange(latched_status_, std::nullopt);
  }
  const u16 count = latched_count_ ? *latched_count_ : Encoded(Count(now_ns));
  const bool reads_high = reads_high_next_;
  bool is_done = true;
  if (access_ == Access::kBoth) {
    is_done = reads_high;
    reads_high_next_ = !reads_high;
  }
  if (is_done) {
    latched_count_.reset();
  }
  return static_cast<u8>(reads_high ? count >> 8 : count);
}

void PitChannel::SetGate(bool gate, u64 now_ns) {
  const bool rises = gate && !gate_;
  const bool falls = !gate && gate_;
  gate_ = gate;
  if (!is_loaded_) {
    return;
  }
  if (rises && (IsTriggered(mode_) || IsPeriodic(mode_))) {
    start_ns_ = static_cast<i64>(now_ns);
    is_running_ = true;
  } else if (rises) {
    start_ns_ = static_cast<i64>(now_ns - MulDiv(stopped_ticks_, kNsPerSecond, kHz));
    is_running_ = true;
  } else if (falls && !IsTriggered(mode_)) {
    stopped_ticks_ = Elapsed(now_ns);
    is_running_ = false;
  }
}

PitChannelState PitChannel::Save(u64 now_ns) const {
  return {.gate = gate_,
          .is_programmed = is_programmed_,
          .is_loaded = is_loaded_,
          .mode = mode_,
          .is_bcd = is_bcd_,
          .access = access_,
          .count = is_bcd_ ? ToBcd(reload_) : static_cast<u16>(reload_),
          .elapsed_ticks = Elapsed(now_ns),
          .is_running = is_running_,
          .writes_high_next = writes_high_next_,
          .reads_high_next = reads_high_next_,
          .low_written = low_written_,
          .latched_count = latched_count_,
          .latched_status = latched_status_};
}

void PitChannel::Load(const PitChannelState& state, u64 now_ns) {
  gate_ = state.gate;
  is_programmed_ = state.is_programmed;
  is_loaded_ = state.is_loaded;
  mode_ = state.mode;
  is_bcd_ = state.is_bcd;
  access_ = state.access;
  SetReload(state.count);
  stopped_ticks_ = state.elapsed_ticks.value_or(0);
  // In the middle of the tick, so that rounding does not matter.
  start_ns_ = static_cast<i64>(now_ns) -
              static_cast<i64>(MulDiv(2 * stopped_ticks_ + 1, kNsPerSecond, u64{2} * kHz));
  is_running_ = state.is_running;
  writes_high_next_ = state.writes_high_next;
  reads_high_next_ = state.reads_high_next;
  low_written_ = state.low_written;
  latched_count_ = state.latched_count;
  latched_status_ = state.latched_status;
}

}  // namespace tandem::devices
