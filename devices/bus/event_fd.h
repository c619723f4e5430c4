#pragma once

#include <memory>

#include "base/ints.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace tandem::devices {

// An event of the kernel's, eventfd(2): counts how often it was signalled, and wakes who polls its
// descriptor while that is not 0. Any thread; nothing blocks.
class EventFd {
 public:
  // Fails where the host gives no more descriptors.
  static Result<std::shared_ptr<EventFd>> Create();

  int fd() const { return fd_.get(); }
  void Signal() const;
  // How often it was signalled since the last call.
  u64 Take() const;

 private:
  explicit EventFd(UniqueFd fd) : fd_(std::move(fd)) {}

  const UniqueFd fd_;
};

}  // namespace tandem::devices
