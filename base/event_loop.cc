#include "base/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/check.h"

namespace tandem {

EventLoop::EventLoop()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK(epoll_.valid() && wake_.valid());
  epoll_event event{.events = EPOLLIN, .data = {.fd = wake_.get()}};
  CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) == 0);
}

EventLoop::~EventLoop() = default;

void EventLoop::Run() {
  thread_.store(std::this_thread::get_id());
  std::array<epoll_event, 32> events;
  while (!stopped_.load()) {
    const int count =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    CHECK(count >= 0 || errno == EINTR);
    for (int i = 0; i < count; ++i) {
      Dispatch(events[i].data.fd, events[i].events);
    }
  }
  RunTasks();  // what was posted before Stop() is not lost
  thread_.store({});
}

void EventLoop::Stop() {
  stopped_.store(true);
  Post([] {});
}

void EventLoop::Post(Task task) {
  {
    MutexLock lock(mu_);
    tasks_.push_back(std::move(task));
  }
  const u64 one = 1;
  // EAGAIN: the counter is full, so the loop is about to wake up anyway.
  CHECK(::write(wake_.get(), &one, sizeof(one)) == sizeof(one) || errno == EAGAIN);
}

void EventLoop::Watch(int fd, u32 epoll_events, FdHandler handler) {
  MutexLock lock(mu_);
  const bool inserted =
      handlers_.emplace(fd, std::make_shared<FdHandler>(std::move(handler))).second;
  CHECK(inserted);
  epoll_event event{.events = epoll_events, .data = {.fd = fd}};
  CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

void EventLoop::Rewatch(int fd, u32 epoll_events) {
  MutexLock lock(mu_);
  epoll_event event{.events = epoll_events, .data = {.fd = fd}};
  CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void EventLoop::Unwatch(int fd) {
  MutexLock lock(mu_);
  if (handlers_.erase(fd) != 0) {
    CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0);
  }
}

void EventLoop::RunTasks() {
  std::vector<Task> tasks;
  {
    MutexLock lock(mu_);
    tasks.swap(tasks_);
  }
  for (Task& task : tasks) {
    task();
  }
}

void EventLoop::Dispatch(int fd, u32 events) {
  if (fd == wake_.get()) {
    u64 count = 0;
    CHECK(::read(wake_.get(), &count, sizeof(count)) == sizeof(count) || errno == EAGAIN);
    RunTasks();
    return;
  }
  std::shared_ptr<FdHandler> handler;
  {
    MutexLock lock(mu_);
    const auto it = handlers_.find(fd);
    if (it == handlers_.end()) {
      return;  // unwatched by an earlier event of this round
    }
    handler = it->second;
  }
  (*handler)(events);
}

}  // namespace tandem
