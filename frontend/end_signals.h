#pragma once

#include <functional>

#include "base/event_loop.h"
#include "base/unique_fd.h"

namespace tandem::frontend {

// Turns SIGINT, SIGTERM and SIGHUP into a call on the loop's thread, so that the process ends by
// the same way as a guest's shutdown: terminal restored, disks flushed. Made before other threads,
// which inherit the mask.
class EndSignals {
 public:
  // The loop outlives this.
  EndSignals(EventLoop& loop, std::function<void(int signal_number)> on_signal);
  ~EndSignals();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

 private:
  EventLoop& loop_;
  UniqueFd fd_;
};

}  // namespace tandem::frontend
