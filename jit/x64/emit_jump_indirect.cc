#include <algorithm>
#include <optional>

#include "jit/x64/emitter.h"

// Indirect jumps. Where a region knows leaders that they went to, a table has the code for each offset
// from the first of these to the last; all other targets are searched.
namespace tandem::jit {
namespace {

constexpr i32 kMaxTargetSpan = 2048;

}  // namespace

void Emitter::FindJumpTargets() {
  jump_targets_.clear();
  for (const i32 offset : unit_->hints.targets) {
    const UnitInst* const target = unit_->mode.code_bits != 16 ? unit_->LeaderAt(offset) : nullptr;
    const bool is_near = jump_targets_.empty() || offset - FirstTarget() <= kMaxTargetSpan;
    if (target != nullptr && is_near) {
      jump_targets_.push_back(static_cast<size_t>(target - unit_->insts.data()));
    }
  }
}

void Emitter::EmitJumpIndirect(size_t i) {
  LoadTarget(i);
  ToMemoryForm(Scratch1());
  if (!jump_targets_.empty()) {
    EmitJumpInside(i);
    return;
  }
  SearchTarget(SiteOf(i));
}

BranchSite Emitter::SiteOf(size_t i) const { return {true, unit_->insts[i].offset, 0}; }

// kScratch0 holds the RIP to go to, the flags are in memory.
void Emitter::SearchTarget(BranchSite site) {
  LeaveHomes();
  LookUpBranch(std::nullopt, site);
}

// Likewise.
void Emitter::EmitJumpInside(size_t i) {
  const Xbyak::Reg target = Word(kScratch0);
  std::optional<size_t> wanted;
  if (std::ranges::find(polls_.indirect, i) != polls_.indirect.end()) {
    CompareAttention();
    wanted = JumpIf(kNotEqual);
  }
  WithContext(kSub, target, offsetof(VcpuContext, pc_base));
  WithMemory(kLoadAddress, target, AtHost(kScratch0, -FirstTarget()));
  cmp(target, static_cast<u32>(TargetSpan()));
  const size_t beyond = JumpIf(kAbove);
  table_uses_.push_back(LoadPosition(Scratch1()));
  jmp(Xbyak::util::ptr[Scratch1() + kScratch0 * 8]);
  Later([this, i, wanted, beyond, form = form_] {
    form_ = form;
    Land(beyond);
    EmitTableMiss();
    if (wanted) {
      Land(*wanted);
    }
    SearchTarget(SiteOf(i));
  });
}

// From the distance to the first target to the RIP.
void Emitter::EmitTableMiss() {
  WithMemory(kLoadAddress, Word(kScratch0), AtHost(kScratch0, FirstTarget()));
  WithContext(kAdd, Word(kScratch0), offsetof(VcpuContext, pc_base));
}

// Where the table leads for a leader: where flags are needed they are brought back first.
size_t Emitter::TableEntry(size_t leader) {
  if (live_[leader].before == 0) {
    return leaders_[leader];
  }
  const size_t entry = getSize();
  form_ = {FlagHome::kMemory, unit_->homes};
  NeedHostFlags();
  JumpToLeader(Jump(), leader);
  return entry;
}

// Behind all code of the unit.
void Emitter::EmitJumpTable() {
  if (table_uses_.empty()) {
    return;
  }
  std::vector<size_t> entries(static_cast<size_t>(TargetSpan()) + 1, getSize());
  form_ = {FlagHome::kMemory, unit_->homes};
  EmitTableMiss();
  SearchTarget({});  // within the span of the table nothing faults
  EmitCold();
  for (const size_t leader : jump_targets_) {
    entries[static_cast<size_t>(unit_->insts[leader].offset - FirstTarget())] = TableEntry(leader);
  }
  align(8);
  block_->MakeExtras().jump_table = Position();
  for (const size_t use : table_uses_) {
    Land(use);
  }
  for (const size_t entry : entries) {
    dq(reinterpret_cast<u64>(executable_) + entry);
  }
  table_uses_.clear();
}

}  // namespace tandem::jit
