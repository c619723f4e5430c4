#include "devices/bus/instruction_clock.h"

#include <algorithm>

namespace tandem::devices {

void InstructionClock::Advance(u64 instructions) {
  now_ns_.fetch_add(instructions << shift_, std::memory_order_relaxed);
  RunDueTimers();
}

u64 InstructionClock::Budget(u64 limit) const {
  const std::optional<u64> deadline = NextDeadline();
  if (!deadline) {
    return limit;
  }
  const u64 now = NowNs();
  const u64 left_ns = *deadline > now ? *deadline - now : 0;
  const u64 left = (left_ns + (u64{1} << shift_) - 1) >> shift_;
  return std::clamp<u64>(left, 1, limit);
}

bool InstructionClock::WarpToNextDeadline() {
  const std::optional<u64> deadline = NextDeadline();
  if (!deadline) {
    return false;
  }
  if (*deadline > NowNs()) {
    now_ns_.store(*deadline, std::memory_order_relaxed);
  }
  RunDueTimers();
  return true;
}

}  // namespace tandem::devices
