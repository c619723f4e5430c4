#include "jit/unit/region.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

namespace tandem::jit {
namespace {

constexpr u32 kLoopWeight = 8;
constexpr u32 kMaxWeight = 4096;

class RegionReader {
 public:
  RegionReader(const UnitMode& mode, const cpu::CpuModel& model, CodeWindow& window, i64 entry,
               Hints hints)
      : mode_(mode), model_(model), window_(window), entry_(entry), hints_(std::move(hints)) {}

  Unit Read(RegionKind kind);

 private:
  std::vector<i64> SuccessorsOf(const UnitInst& inst) const {
    return jit::SuccessorsOf(inst, hints_.targets);
  }
  void Explore();
  void KeepLoop();
  void EndAtShadows();
  void MarkLeaders();
  void Weigh();

  const UnitMode& mode_;
  const cpu::CpuModel& model_;
  CodeWindow& window_;
  const i64 entry_;
  Hints hints_;
  std::map<i64, UnitInst> insts_;
};

Unit RegionReader::Read(RegionKind kind) {
  Explore();
  if (kind == RegionKind::kLoop) {
    KeepLoop();
  }
  EndAtShadows();
  Unit unit;
  unit.mode = mode_;
  unit.is_region = true;
  if (insts_.empty()) {
    return unit;
  }
  MarkLeaders();
  Weigh();
  for (const auto& [offset, inst] : insts_) {
    if (offset == entry_) {
      unit.entry = unit.insts.size();
    }
    unit.insts.push_back(inst);
  }
  std::erase_if(hints_.targets, [&](i32 target) { return !insts_.contains(target); });
  unit.hints = std::move(hints_);
  return unit;
}

// Near code first, as far as the limits reach.
void RegionReader::Explore() {
  std::deque<i64> open = {entry_};
  while (!open.empty() && insts_.size() < kMaxRegionInsts) {
    i64 at = open.front();
    open.pop_front();
    while (!insts_.contains(at) && insts_.size() < kMaxRegionInsts &&
           at >= entry_ - kRegionReach && at < entry_ + kRegionReach) {
      const std::optional<UnitInst> inst = ReadInst(mode_, model_, window_, at, true);
      if (!inst) {
        break;
      }
      insts_.emplace(at, *inst);
      const std::vector<i64> successors = SuccessorsOf(*inst);
      if (successors.empty()) {
        break;
      }
      at = successors[0];
      open.insert(open.end(), successors.begin() + 1, successors.end());
    }
  }
}

// Drops what cannot come back to the entry. An indirect jump beside a loop may, even if it has not been
// seen to: interpreters go on like that.
void RegionReader::KeepLoop() {
  std::multimap<i64, i64> predecessors;
  for (const auto& [offset, inst] : insts_) {
    for (const i64 successor : SuccessorsOf(inst)) {
      predecessors.emplace(successor, offset);
    }
  }
  for (const auto& [offset, inst] : insts_) {
    if (inst.treatment == Treatment::kJumpIndirect && predecessors.contains(entry_)) {
      predecessors.emplace(entry_, offset);
    }
  }
  std::set<i64> kept;
  std::vector<i64> open = {entry_};
  while (!open.empty()) {
    const auto [first, last] = predecessors.equal_range(open.back());
    open.pop_back();
    for (auto it = first; it != last; ++it) {
      if (kept.insert(it->second).second) {
        open.push_back(it->second);
      }
    }
  }
  std::erase_if(insts_, [&](const auto& entry) { return !kept.contains(entry.first); });
}

// STI without what it needs behind it.
void RegionReader::EndAtShadows() {
  for (auto& [offset, inst] : insts_) {
    const auto behind = insts_.find(inst.next());
    if (HasShadow(inst) && (behind == insts_.end() || !SuitsShadow(behind->second.treatment))) {
      inst.treatment = Treatment::kExecute;
    }
  }
}

void RegionReader::MarkLeaders() {
  insts_.at(entry_).is_leader = true;
  i64 expected = -1;
  for (auto& [offset, inst] : insts_) {
    inst.is_leader |= offset != expected;
    expected = inst.next();
    const std::vector<i64> successors = SuccessorsOf(inst);
    for (const i64 successor : successors) {
      const auto target = insts_.find(successor);
      const bool ends_loop = inst.treatment == Treatment::kConditional && inst.target() <= offset;
      const bool is_jump = successor != expected || ends_loop ||
                           inst.treatment == Treatment::kLoop ||
                           inst.treatment == Treatment::kJumpIndirect;
      if (target != insts_.end() && is_jump) {
        target->second.is_leader = true;
      }
    }
  }
}

// An instruction counts eightfold for each loop around it.
void RegionReader::Weigh() {
  std::map<i64, i64> loops;  // from head to end
  for (const auto& [offset, inst] : insts_) {
    for (const i64 successor : SuccessorsOf(inst)) {
      if (successor <= offset && insts_.contains(successor)) {
        loops[successor] = std::max(loops[successor], offset);
      }
    }
  }
  for (const auto& [head, end] : loops) {
    for (auto it = insts_.lower_bound(head); it != insts_.end() && it->first <= end; ++it) {
      it->second.weight = std::min(it->second.weight * kLoopWeight, kMaxWeight);
    }
  }
}

}  // namespace

Unit ReadRegion(const UnitMode& mode, const cpu::CpuModel& model, CodeWindow& window, i64 offset,
                RegionKind kind, Hints hints) {
  return RegionReader(mode, model, window, offset, std::move(hints)).Read(kind);
}

}  // namespace tandem::jit
