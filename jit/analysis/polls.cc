#include "jit/analysis/polls.h"

#include <algorithm>

namespace tandem::jit {
namespace {

class PollFinder {
 public:
  explicit PollFinder(const Unit& unit) : unit_(unit), ways_(unit.insts.size()) {}

  Polls Find();

 private:
  void AddWays(size_t i);
  void AddWay(size_t from, i64 to);
  bool Reaches(size_t from, size_t to) const;
  std::vector<size_t> TargetsInside() const;
  bool GoesRound(size_t jump, const std::vector<size_t>& targets) const;

  const Unit& unit_;
  std::vector<std::vector<size_t>> ways_;  // on from each instruction, without a look
  std::vector<BackwardJump> backward_;
  std::vector<size_t> indirect_;
};

// What leaves the unit may come back to its entry, by jumps forward only.
void PollFinder::AddWay(size_t from, i64 to) {
  const UnitInst* const inside = unit_.LeaderAt(to);
  const size_t next =
      inside != nullptr ? static_cast<size_t>(inside - unit_.insts.data()) : unit_.entry;
  if (inside != nullptr && to < unit_.insts[from].next()) {
    backward_.push_back({from, next});
  } else {
    ways_[from].push_back(next);
  }
}

void PollFinder::AddWays(size_t i) {
  const UnitInst& inst = unit_.insts[i];
  switch (inst.treatment) {
    case Treatment::kConditional:
    case Treatment::kLoop:
    case Treatment::kJump:
      AddWay(i, inst.target());
      break;
    case Treatment::kJumpIndirect:
      indirect_.push_back(i);
      return;
    default:
      if (EndsUnit(inst.treatment)) {
        ways_[i].push_back(unit_.entry);
      }
      break;
  }
  if (inst.treatment != Treatment::kJump) {
    unit_.FallsInto(i) ? ways_[i].push_back(i + 1) : AddWay(i, inst.next());
  }
}

bool PollFinder::Reaches(size_t from, size_t to) const {
  std::vector<bool> seen(ways_.size());
  std::vector<size_t> open = {from};
  while (!open.empty()) {
    const size_t at = open.back();
    open.pop_back();
    if (at == to) {
      return true;
    }
    if (!seen[at]) {
      seen[at] = true;
      open.insert(open.end(), ways_[at].begin(), ways_[at].end());
    }
  }
  return false;
}

// Of its indirect jumps.
std::vector<size_t> PollFinder::TargetsInside() const {
  std::vector<size_t> targets;
  for (const i32 offset : unit_.hints.targets) {
    if (const UnitInst* const inside = unit_.LeaderAt(offset)) {
      targets.push_back(static_cast<size_t>(inside - unit_.insts.data()));
    }
  }
  return targets;
}

bool PollFinder::GoesRound(size_t jump, const std::vector<size_t>& targets) const {
  return std::ranges::any_of(targets, [&](size_t target) { return Reaches(target, jump); });
}

// Jumps backward first: where they look, an indirect jump of the same loop need not.
Polls PollFinder::Find() {
  for (size_t i = 0; i < ways_.size(); ++i) {
    AddWays(i);
  }
  Polls polls;
  for (const BackwardJump& jump : backward_) {
    if (Reaches(jump.to, jump.from)) {
      polls.backward.push_back(jump);
    } else {
      ways_[jump.from].push_back(jump.to);
    }
  }
  const std::vector<size_t> targets = TargetsInside();
  for (const size_t jump : indirect_) {
    if (GoesRound(jump, targets)) {
      polls.indirect.push_back(jump);
    } else {
      ways_[jump].insert(ways_[jump].end(), targets.begin(), targets.end());
    }
  }
  return polls;
}

}  // namespace

Polls FindPolls(const Unit& unit) { return PollFinder(unit).Find(); }

}  // namespace tandem::jit
