#pragma once

#include "base/ints.h"

namespace tandem::cpu {

// Who caches translations besides the TLB: told at once of what goes there, on the vCPU's thread (of
// writes that are dropped for another vCPU: on that one's, while this one stands still).
class FlushObserver {
 public:
  virtual ~FlushObserver() = default;
  // Everything.
  virtual void OnFlushAll() = 0;
  // All that is not global; the user bank shows the contents of another generation.
  virtual void OnFlushLocal() = 0;
  // What maps an address of [start, start + size), in all banks.
  virtual void OnFlushRegion(u64 start, u64 size) = 0;
  // The right to write to some page.
  virtual void OnDropWrites() = 0;
};

}  // namespace tandem::cpu
