#include "base/mutex.h"

#include "base/check.h"

namespace tandem {

#ifndef NDEBUG
namespace {
// Bit r is set while this thread holds a lock of rank r.
thread_local unsigned held_ranks = 0;
}  // namespace
#endif

void Mutex::lock() {
#ifndef NDEBUG
  const unsigned bit = 1u << static_cast<int>(rank_);
  CHECK(held_ranks < bit);  // only downwards, and never two of one rank
  held_ranks |= bit;
#endif
  mu_.lock();
}

void Mutex::unlock() {
  mu_.unlock();
#ifndef NDEBUG
  held_ranks &= ~(1u << static_cast<int>(rank_));
#endif
}

}  // namespace tandem
