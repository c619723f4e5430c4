#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "base/ints.h"
#include "base/mutex.h"
#include "base/unique_fd.h"

namespace tandem {

// The io thread's loop over epoll: file descriptors and posted functions. Everything that it calls
// runs on the thread inside Run(), with no lock held.
class EventLoop {
 public:
  using Task = std::function<void()>;
  using FdHandler = std::function<void(u32 epoll_events)>;

  EventLoop();
  ~EventLoop();

  // Serves until Stop(). Called by one thread.
  void Run();
  // Any thread; Run() returns after the task in progress.
  void Stop();

  // Any thread: runs task soon on the loop's thread, in order of posting.
  void Post(Task task);

  // Any thread. handler is called with EPOLLIN/EPOLLOUT/EPOLLHUP/EPOLLERR bits, level-triggered.
  // The descriptor stays the caller's and must be unwatched before it is closed.
  void Watch(int fd, u32 epoll_events, FdHandler handler);
  // Changes the events of a watched descriptor.
  void Rewatch(int fd, u32 epoll_events);
  // After return no new call of the handler starts; on the loop's thread none is in progress but
  // the caller's own.
  void Unwatch(int fd);

  bool IsCurrent() const { return thread_.load() == std::this_thread::get_id(); }

 private:
  void RunTasks();
  void Dispatch(int fd, u32 events);

  UniqueFd epoll_;
  UniqueFd wake_;
  std::atomic<std::thread::id> thread_{};
  std::atomic<bool> stopped_{false};
  Mutex mu_{LockRank::kLeaf};  // guards tasks_ and handlers_
  std::vector<Task> tasks_;
  std::map<int, std::shared_ptr<FdHandler>> handlers_;
};

}  // namespace tandem
