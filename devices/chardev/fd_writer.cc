#include "devices/chardev/fd_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace tandem::devices {
namespace {

constexpr size_t kQueueLimit = 1u << 20;
// A ready pipe or terminal takes this much without blocking.
constexpr size_t kChunk = 512;
constexpr int kDrainMs = 1000;

}  // namespace

FdWriter::FdWriter(EventLoop& loop, int fd)
    : loop_(loop), fd_(::fcntl(fd, F_DUPFD_CLOEXEC, 0)), is_broken_(!fd_.valid()) {}

FdWriter::~FdWriter() {
  if (is_watching_) {
    loop_.Unwatch(fd_.get());
  }
  while (!queue_.empty() && IsReady(kDrainMs) && WriteSome()) {
  }
}

bool FdWriter::IsReady(int timeout_ms) const {
  pollfd poll_fd{fd_.get(), POLLOUT, 0};
  return ::poll(&poll_fd, 1, timeout_ms) == 1;
}

// One chunk of the queue; false where the descriptor takes no more.
bool FdWriter::WriteSome() {
  std::array<std::byte, kChunk> chunk;
  const size_t count = std::min(queue_.size(), kChunk);
  std::copy_n(queue_.begin(), count, chunk.begin());
  const ssize_t written = ::write(fd_.get(), chunk.data(), count);
  if (written < 0) {
    if (errno != EAGAIN && errno != EINTR) {
      is_broken_ = true;
      queue_.clear();
    }
    return errno == EINTR;
  }
  queue_.erase(queue_.begin(), queue_.begin() + written);
  return true;
}

void FdWriter::Write(std::span<const std::byte> data) {
  MutexLock lock(mu_);
  if (is_broken_) {
    return;
  }
  const size_t taken = std::min(data.size(), kQueueLimit - queue_.size());
  queue_.insert(queue_.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(taken));
  while (!is_watching_ && !queue_.empty() && IsReady(0) && WriteSome()) {
  }
  if (!queue_.empty() && !is_watching_) {
    is_watching_ = true;
    loop_.Watch(fd_.get(), EPOLLOUT, [this](u32) { OnWritable(); });
  }
}

void FdWriter::OnWritable() {
  MutexLock lock(mu_);
  if (is_watching_) {
    (void)WriteSome();
    if (queue_.empty()) {
      is_watching_ = false;
      loop_.Unwatch(fd_.get());
    }
  }
}

}  // namespace tandem::devices
