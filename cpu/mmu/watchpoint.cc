// Data breakpoints: DR0-DR3 as DR7 arms them (SDM Vol. 3, 17.2.4), and a debugger's.
#include <algorithm>

#include "base/bits.h"
#include "cpu/mmu/mmu.h"

namespace tandem::cpu {
namespace {

enum class Condition : u8 { kExecute, kWrite, kIo, kReadWrite };

struct Watchpoint {
  bool is_on = false;
  Condition condition{};
  u64 start = 0;
  u64 length = 0;
};

Watchpoint WatchpointOf(const CpuState& state, unsigned index) {
  constexpr u64 kLengths[] = {1, 2, 8, 4};
  const u64 length = kLengths[BitsOf(state.dr7, 18 + 4 * index, 2)];
  const auto condition = static_cast<Condition>(BitsOf(state.dr7, 16 + 4 * index, 2));
  const bool is_data = condition == Condition::kWrite || condition == Condition::kReadWrite;
  return {.is_on = is_data && BitsOf(state.dr7, 2 * index, 2) != 0,
          .condition = condition,
          .start = AlignDown(state.dr[index], length),
          .length = length};
}

}  // namespace

bool Mmu::PageIsWatched(Gva address) const {
  for (unsigned i = 0; i < 4; ++i) {
    const Watchpoint watchpoint = WatchpointOf(state_, i);
    if (watchpoint.is_on && watchpoint.start / kPageSize == address.value / kPageSize) {
      return true;
    }
  }
  return std::any_of(watches_.begin(), watches_.end(), [&](const Watch& watch) {
    return watch.start / kPageSize == address.value / kPageSize;
  });
}

void Mmu::SetWatches(std::vector<Watch> watches) {
  watches_ = std::move(watches);
  watch_hits_ = 0;
  FlushAll();
}

void Mmu::MatchWatchpoints(Gva address, u64 length, AccessKind kind) {
  for (unsigned i = 0; i < 4; ++i) {
    const Watchpoint watchpoint = WatchpointOf(state_, i);
    const bool overlaps = watchpoint.start < address.value + length &&
                          address.value < watchpoint.start + watchpoint.length;
    const bool is_kind =
        kind == AccessKind::kWrite || watchpoint.condition == Condition::kReadWrite;
    if (watchpoint.is_on && overlaps && is_kind) {
      state_.pending_dr6 |= u64{1} << i;
    }
  }
  for (size_t i = 0; i < watches_.size(); ++i) {
    const Watch& watch = watches_[i];
    const bool overlaps =
        watch.start < address.value + length && address.value < watch.start + watch.length;
    const bool is_kind = kind == AccessKind::kWrite || !watch.is_for_writes;
    if (watch.length != 0 && overlaps && is_kind) {
      watch_hits_ |= u32{1} << i;
    }
  }
}

}  // namespace tandem::cpu
