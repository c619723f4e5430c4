#pragma once

#include <atomic>

#include "devices/bus/clock.h"

namespace tandem::devices {

// Virtual time that counts executed instructions, 2^shift nanoseconds each (-icount shift=N): the
// same guest takes the same steps at the same times on each run. Timers are called by the vCPU
// thread that advances it.
class InstructionClock final : public Clock {
 public:
  explicit InstructionClock(u32 shift) : shift_(shift) {}

  u64 NowNs() const override { return now_ns_.load(std::memory_order_relaxed); }

  // The vCPU thread in turn: instructions were executed. Runs due timers.
  void Advance(u64 instructions);
  // How many instructions may run before the next timer is due; at least 1, at most limit.
  u64 Budget(u64 limit) const;
  // All vCPUs are halted: jumps to the next deadline. False where no timer is armed.
  bool WarpToNextDeadline();

 private:
  void OnNextDeadlineChanged() override {}  // Budget() is asked before each slice

  const u32 shift_;
  std::atomic<u64> now_ns_{0};
};

}  // namespace tandem::devices
