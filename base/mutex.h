#pragma once

#include <condition_variable>
#include <mutex>

namespace tandem {

// The one order in which locks are taken: a thread that holds a lock may take only locks of a
// higher rank. Debug builds check it on each Lock().
enum class LockRank : int {
  kMachine = 1,
  kPciHost = 2,
  kAddressSpace = 3,
  kDevice = 4,
  kBackend = 5,  // queues, disks, networks, character back ends
  kIrqChip = 6,
  kClock = 7,  // the host timer behind a clock
  kLeaf = 8,   // mailboxes, timer lists, logs: nothing is taken below
};

class Mutex {
 public:
  explicit Mutex(LockRank rank) : rank_(rank) {}
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock();
  void unlock();

 private:
  std::mutex mu_;
  const LockRank rank_;
};

using MutexLock = std::lock_guard<Mutex>;
using UniqueLock = std::unique_lock<Mutex>;
using CondVar = std::condition_variable_any;

}  // namespace tandem
