#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>

namespace tandem::firmware {

inline constexpr size_t kWorkers = 2;

// Does parts 0 to count - 1 of a piece of work on kWorkers threads, begun in this order. do_part must
// not fail; worker: below kWorkers, one at a time.
inline void DoInParallel(size_t count,
                         const std::function<void(size_t part, size_t worker)>& do_part) {
  std::atomic<size_t> next{0};
  const auto work = [&](size_t worker) {
    for (size_t part = next++; part < count; part = next++) {
      do_part(part, worker);
    }
  };
  std::jthread other;
  if (count > 1) {
    other = std::jthread(work, 1);
  }
  work(0);
}

}  // namespace tandem::firmware
