#include "devices/chardev/fd_reader.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace tandem::devices {
namespace {

bool IsPollable(int fd) {
  const UniqueFd probe(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  return ::epoll_ctl(probe.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

FdReader::FdReader(EventLoop& loop, int fd, std::function<void()> on_end)
    : loop_(loop), fd_(fd), is_pollable_(IsPollable(fd)), on_end_(std::move(on_end)) {}

std::shared_ptr<FdReader> FdReader::Start(EventLoop& loop, int fd, CharReceiver* receiver,
                                          std::function<void()> on_end) {
  auto reader = std::make_shared<FdReader>(loop, fd, std::move(on_end));
  reader->SetReceiver(receiver);
  return reader;
}

void FdReader::SetReceiver(CharReceiver* receiver) {
  receiver_.store(receiver);
  if (receiver != nullptr) {
    Resume();
  }
}

void FdReader::Resume() {
  loop_.Post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->Begin();
    }
  });
}

void FdReader::Begin() {
  if (state_ == State::kPaused) {
    state_ = State::kReading;
    Continue();
  }
}

// Waits for the next bytes.
void FdReader::Continue() {
  if (!is_pollable_) {
    loop_.Post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->ReadOnce();
      }
    });
  } else if (!is_watched_) {
    is_watched_ = true;
    loop_.Watch(fd_, EPOLLIN, [weak = weak_from_this()](u32) {
      if (const auto self = weak.lock()) {
        self->ReadOnce();
      }
    });
  }
}

void FdReader::ReadOnce() {
  if (state_ != State::kReading) {
    return;
  }
  CharReceiver* receiver = receiver_.load();
  std::array<std::byte, 4096> buffer;
  const size_t room = receiver == nullptr ? 0 : std::min(receiver->CanReceive(), buffer.size());
  if (room == 0) {  // unwatched, not masked: a hang-up would be reported over and over
    state_ = State::kPaused;
    if (is_watched_) {
      is_watched_ = false;
      loop_.Unwatch(fd_);
    }
    return;
  }
  const ssize_t count = ::read(fd_, buffer.data(), room);
  if (count > 0) {
    receiver->Receive(std::span(buffer).first(static_cast<size_t>(count)));
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    End();
    return;
  }
  if (state_ == State::kReading) {
    Continue();
  }
}

void FdReader::End() {
  Stop();
  if (on_end_) {
    on_end_();
  }
}

void FdReader::Stop() {
  state_ = State::kStopped;
  if (is_watched_) {
    is_watched_ = false;
    loop_.Unwatch(fd_);
  }
}

}  // namespace tandem::devices
