#include "devices/bus/clock.h"

#include <algorithm>

namespace tandem::devices {

Timer::~Timer() {
  UniqueLock lock(clock_.mu_);
  clock_.idle_.wait(lock, [&] { return clock_.running_ != this; });
  std::erase(clock_.armed_, this);  // the callback may have armed it again
}

std::optional<u64> Clock::EarliestLocked() const {
  const auto it = std::min_element(
      armed_.begin(), armed_.end(),
      [](const Timer* a, const Timer* b) { return a->deadline_ns_ < b->deadline_ns_; });
  return it == armed_.end() ? std::nullopt : std::optional<u64>((*it)->deadline_ns_);
}

std::optional<u64> Clock::NextDeadline() const {
  MutexLock lock(mu_);
  return EarliestLocked();
}

void Clock::Arm(Timer& timer, u64 deadline_ns) {
  bool changed = false;
  {
    MutexLock lock(mu_);
    const std::optional<u64> before = EarliestLocked();
    timer.deadline_ns_ = deadline_ns;
    if (!timer.is_armed_) {
      timer.is_armed_ = true;
      armed_.push_back(&timer);
    }
    changed = before != EarliestLocked();
  }
  if (changed) {
    OnNextDeadlineChanged();
  }
}

void Clock::Cancel(Timer& timer) {
  MutexLock lock(mu_);
  // The clock may wake up once for nothing: cheaper than telling it.
  timer.is_armed_ = false;
  std::erase(armed_, &timer);
}

Timer* Clock::TakeDue(u64 now_ns) {
  MutexLock lock(mu_);
  const auto it = std::min_element(
      armed_.begin(), armed_.end(),
      [](const Timer* a, const Timer* b) { return a->deadline_ns_ < b->deadline_ns_; });
  if (it == armed_.end() || (*it)->deadline_ns_ > now_ns) {
    return nullptr;
  }
  running_ = *it;
  running_->is_armed_ = false;
  armed_.erase(it);
  return running_;
}

void Clock::RunDueTimers() {
  while (Timer* timer = TakeDue(NowNs())) {
    timer->callback_();
    {
      MutexLock lock(mu_);
      running_ = nullptr;
    }
    idle_.notify_all();
  }
}

}  // namespace tandem::devices
