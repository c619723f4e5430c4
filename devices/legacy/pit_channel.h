#pragma once

#include <optional>

#include "base/ints.h"
#include "devices/bus/irq_state.h"

namespace tandem::devices {

// One counter of an 8254 (Intel data sheet 231164). Its state at any time follows from when it was
// loaded, so nothing runs. Times are Clock nanoseconds.
class PitChannel {
 public:
  static constexpr u64 kHz = 1193182;

  explicit PitChannel(bool gate) : gate_(gate), is_gated_from_start_(gate) {}

  void WriteControl(u8 value, u64 now_ns);
  void WriteCount(u8 value, u64 now_ns);
  u8 Read(u64 now_ns);
  void LatchCount(u64 now_ns);
  void LatchStatus(u64 now_ns);
  void SetGate(bool gate, u64 now_ns);
  bool gate() const { return gate_; }
  bool Output(u64 now_ns) const;
  // When the output rises next, after now.
  std::optional<u64> NextRise(u64 now_ns) const;
  void Reset() { *this = PitChannel(is_gated_from_start_); }
  PitChannelState Save(u64 now_ns) const;
  void Load(const PitChannelState& state, u64 now_ns);

 private:
  using Access = PitChannelState::Access;

  void LoadCount(u32 count, u64 now_ns);
  void SetReload(u32 count);
  u64 Elapsed(u64 now_ns) const;
  u64 TimeOf(u64 ticks) const;
  u16 Count(u64 now_ns) const;
  u16 Encoded(u16 count) const;

  bool gate_;
  bool is_gated_from_start_;
  u8 mode_ = 3;
  bool is_bcd_ = false;
  Access access_ = Access::kBoth;
  u32 reload_ = 0x10000;
  i64 start_ns_ = 0;       // may lie before the clock's zero
  u64 stopped_ticks_ = 0;  // elapsed when the gate went low
  bool is_programmed_ = false;
  bool is_loaded_ = false;
  bool is_running_ = false;
  bool writes_high_next_ = false;
  bool reads_high_next_ = false;
  u8 low_written_ = 0;
  std::optional<u16> latched_count_;
  std::optional<u8> latched_status_;
};

}  // namespace tandem::devices
