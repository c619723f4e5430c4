#include "jit/analysis/only_ways.h"

#include <optional>
#include <vector>

namespace tandem::jit {
namespace {

class WayFinder {
 public:
  explicit WayFinder(const Unit& unit) : unit_(unit), count_(unit.insts.size()) {}

  OnlyWays Find() {
    ++count_[unit_.entry];  // from elsewhere
    for (size_t i = 0; i < unit_.insts.size(); ++i) {
      AddWays(i);
    }
    DropTightLoops();
    std::erase_if(ways_, [&](const auto& way) { return count_[way.first] != 1; });
    return std::move(ways_);
  }

 private:
  void AddWays(size_t i);
  void DropTightLoops();
  size_t LeaderBefore(size_t i) const;

  const Unit& unit_;
  std::vector<size_t> count_;
  OnlyWays ways_;
};

void WayFinder::AddWays(size_t i) {
  for (const i64 offset : SuccessorsOf(unit_.insts[i], unit_.hints.targets)) {
    if (const UnitInst* const inside = unit_.LeaderAt(offset)) {
      const size_t leader = static_cast<size_t>(inside - unit_.insts.data());
      ++count_[leader];
      ways_[leader] = i;
    }
  }
}

size_t WayFinder::LeaderBefore(size_t i) const {
  while (i > 0 && !unit_.insts[i].is_leader) {
    --i;
  }
  return i;
}

// Their copies do without the checks that those behind would rely on.
void WayFinder::DropTightLoops() {
  for (size_t tail = 0; tail < unit_.insts.size(); ++tail) {
    const size_t head = LeaderBefore(tail);
    const UnitInst& inst = unit_.insts[tail];
    if (inst.treatment == Treatment::kConditional && inst.target() == unit_.insts[head].offset) {
      std::erase_if(ways_,
                    [&](const auto& way) { return way.second >= head && way.second <= tail; });
    }
  }
}

}  // namespace

OnlyWays FindOnlyWays(const Unit& unit) { return WayFinder(unit).Find(); }

}  // namespace tandem::jit
