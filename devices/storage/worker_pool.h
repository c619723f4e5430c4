#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace tandem::devices {

// A few threads for blocking file work, shared by all disks of a machine.
class WorkerPool {
 public:
  explicit WorkerPool(unsigned threads = 2);
  // Runs what is queued, then joins.
  ~WorkerPool();

  // Any thread.
  void Run(std::function<void()> job);

 private:
  void Work();

  Mutex mu_{LockRank::kLeaf};  // guards jobs_ and is_ending_
  CondVar wake_;
  std::deque<std::function<void()>> jobs_;
  bool is_ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tandem::devices
