#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/ints.h"
#include "base/mutex.h"

namespace tandem::devices {

class Timer;

// The guest's time stamp counter ticks at this rate of Clock time, so a TSC value is a time in ns.
inline constexpr u64 kTscHz = 1'000'000'000;

// The machine's virtual time, in nanoseconds since it was made, and the timers that hang on it.
// It stands still while the machine is paused. Two kinds exist: HostClock follows the host's
// monotonic clock, InstructionClock counts executed instructions (-icount) and is deterministic.
class Clock {
 public:
  virtual ~Clock() = default;

  // Any thread.
  virtual u64 NowNs() const = 0;

  // When the earliest armed timer is due. Any thread.
  std::optional<u64> NextDeadline() const;
  // Calls every timer that is due, earliest first, with no lock held.
  void RunDueTimers();

 protected:
  Clock() = default;

 private:
  friend class Timer;
  // The earliest deadline is another one now, perhaps none. No lock is held.
  virtual void OnNextDeadlineChanged() = 0;

  void Arm(Timer& timer, u64 deadline_ns);
  void Cancel(Timer& timer);
  Timer* TakeDue(u64 now_ns);
  std::optional<u64> EarliestLocked() const;

  mutable Mutex mu_{LockRank::kLeaf};  // guards armed_, running_ and the timers' fields
  std::vector<Timer*> armed_;
  Timer* running_ = nullptr;
  CondVar idle_;
};

// A one-shot alarm of a Clock, which outlives it. The callback runs on the clock's thread (io, or
// the vCPU's under -icount) without locks; it takes its device's own lock and must check there that
// it is still wanted, because a Cancel may cross it.
class Timer {
 public:
  Timer(Clock& clock, std::function<void()> callback)
      : clock_(clock), callback_(std::move(callback)) {}
  // Waits for a callback in progress: do not hold a lock that the callback takes.
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces an earlier deadline. A deadline in the past is due at once. Any thread.
  void Arm(u64 deadline_ns) { clock_.Arm(*this, deadline_ns); }
  void Cancel() { clock_.Cancel(*this); }

 private:
  friend class Clock;
  Clock& clock_;
  std::function<void()> callback_;
  u64 deadline_ns_ = 0;
  bool is_armed_ = false;
};

}  // namespace tandem::devices
