#pragma once

#include <deque>
#include <memory>
#include <span>

#include "base/event_loop.h"
#include "base/mutex.h"
#include "base/unique_fd.h"

namespace tandem::devices {

// Writes a stream to a descriptor that may be shared with others (a terminal), so it is never
// switched to non-blocking: readiness is asked for first, and what does not fit waits in a queue
// that the loop drains. Any thread.
class FdWriter {
 public:
  // fd is duplicated.
  FdWriter(EventLoop& loop, int fd);
  // Waits up to a second for the queue to drain.
  ~FdWriter();
  FdWriter(const FdWriter&) = delete;
  FdWriter& operator=(const FdWriter&) = delete;

  void Write(std::span<const std::byte> data);

 private:
  bool WriteSome();
  bool IsReady(int timeout_ms) const;
  void OnWritable();

  EventLoop& loop_;
  UniqueFd fd_;
  Mutex mu_{LockRank::kBackend};  // guards all below
  std::deque<std::byte> queue_;
  bool is_watching_ = false;
  bool is_broken_ = false;
};

}  // namespace tandem::devices
