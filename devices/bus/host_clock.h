#pragma once

#include <atomic>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "devices/bus/clock.h"

namespace tandem::devices {

// Virtual time that runs with the host's CLOCK_MONOTONIC; timers are called on the loop's thread.
class HostClock final : public Clock {
 public:
  // Starts paused at zero. The loop outlives the clock.
  explicit HostClock(EventLoop& loop);
  ~HostClock() override;

  u64 NowNs() const override;

  // Any thread; the machine's pause and resume. Idempotent.
  void Pause();
  void Resume();

 private:
  void OnNextDeadlineChanged() override;
  void SetTimerFd();

  // Held from asking for the next deadline to setting the timer: an older answer must not come
  // last.
  Mutex timer_mu_{LockRank::kClock};
  EventLoop& loop_;
  UniqueFd timer_fd_;
  std::atomic<bool> is_running_{false};
  // Running: host time minus virtual time. Paused: the virtual time at which it stands.
  std::atomic<u64> offset_ns_{0};
};

}  // namespace tandem::devices
