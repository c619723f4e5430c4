#include "devices/bus/event_fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"

namespace tandem::devices {

Result<std::shared_ptr<EventFd>> EventFd::Create() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd.valid()) {
    return Fail("no eventfd to be had: {}; is 'ulimit -n' too low?", std::strerror(errno));
  }
  return std::shared_ptr<EventFd>(new EventFd(std::move(fd)));
}

// EAGAIN: the counter is full, so who polls it is awake.
void EventFd::Signal() const {
  const u64 one = 1;
  CHECK(::write(fd_.get(), &one, sizeof(one)) == sizeof(one) || errno == EAGAIN);
}

u64 EventFd::Take() const {
  u64 count = 0;
  return ::read(fd_.get(), &count, sizeof(count)) == sizeof(count) ? count : 0;
}

}  // namespace tandem::devices
