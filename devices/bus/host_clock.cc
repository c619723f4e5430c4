#include "devices/bus/host_clock.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

namespace tandem::devices {
namespace {

constexpr u64 kNsPerSecond = 1'000'000'000;

u64 HostNs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<u64>(now.tv_sec) * kNsPerSecond + static_cast<u64>(now.tv_nsec);
}

}  // namespace

HostClock::HostClock(EventLoop& loop)
    : loop_(loop), timer_fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  CHECK(timer_fd_.valid());
  loop_.Watch(timer_fd_.get(), EPOLLIN, [this](u32) {
    u64 expirations = 0;
    if (::read(timer_fd_.get(), &expirations, sizeof(expirations)) == sizeof(expirations) &&
        is_running_.load()) {
      RunDueTimers();
      SetTimerFd();
    }
  });
}

HostClock::~HostClock() { loop_.Unwatch(timer_fd_.get()); }

u64 HostClock::NowNs() const {
  const u64 offset = offset_ns_.load(std::memory_order_relaxed);
  return is_running_.load(std::memory_order_acquire) ? HostNs() - offset : offset;
}

void HostClock::Pause() {
  if (is_running_.load()) {
    const u64 now = NowNs();
    is_running_.store(false);
    offset_ns_.store(now);
  }
}

void HostClock::Resume() {
  if (!is_running_.load()) {
    offset_ns_.store(HostNs() - offset_ns_.load());
    is_running_.store(true);
    SetTimerFd();
  }
}

void HostClock::OnNextDeadlineChanged() { SetTimerFd(); }

void HostClock::SetTimerFd() {
  MutexLock lock(timer_mu_);
  const std::optional<u64> deadline = NextDeadline();
  if (!deadline || !is_running_.load()) {
    return;
  }
  const u64 offset = offset_ns_.load();
  // A deadline beyond what the host clock can hold never comes; zero would disarm.
  const u64 host = *deadline > ~u64{0} / 4 ? ~u64{0} / 4 : *deadline + offset;
  itimerspec spec{};
  spec.it_value.tv_sec = static_cast<time_t>(host / kNsPerSecond);
  spec.it_value.tv_nsec = static_cast<long>(host % kNsPerSecond);
  if (host == 0) {
    spec.it_value.tv_nsec = 1;
  }
  CHECK(::timerfd_settime(timer_fd_.get(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
}

}  // namespace tandem::devices
