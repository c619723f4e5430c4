#include "frontend/end_signals.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/check.h"

namespace tandem::frontend {

EndSignals::EndSignals(EventLoop& loop, std::function<void(int signal_number)> on_signal)
    : loop_(loop) {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    ::sigaddset(&signals, signal_number);
  }
  CHECK(::pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0);
  fd_ = UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  CHECK(fd_.valid());
  loop_.Watch(fd_.get(), EPOLLIN, [fd = fd_.get(), on_signal = std::move(on_signal)](u32) {
    signalfd_siginfo info{};
    if (::read(fd, &info, sizeof(info)) == sizeof(info)) {
      on_signal(static_cast<int>(info.ssi_signo));
    }
  });
}

EndSignals::~EndSignals() { loop_.Unwatch(fd_.get()); }

}  // namespace tandem::frontend
