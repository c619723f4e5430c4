#include "jit/analysis/access_plan.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "base/bits.h"
#include "jit/analysis/check_groups.h"
#include "jit/analysis/constant_added.h"
#include "jit/analysis/only_ways.h"

namespace tandem::jit {
namespace {

using cpu::kNoRegister;
using cpu::kRbp;
using cpu::kRsp;

enum SlotClass : u8 { kIndexedSlot = 16, kSegmentSlot = 32, kOtherSlot = 38 };

// What is known where an instruction begins.
struct Known {
  CheckGroups groups;
  const AccessPlan* kept = nullptr;  // see InstAccesses
};

class Planner {
 public:
  Planner(const Unit& unit, GroupReach reach)
      : unit_(unit), plans_(unit.insts.size()), is_planned_(unit.insts.size()) {
    if (reach == GroupReach::kWays && unit.is_region) {
      only_ways_ = FindOnlyWays(unit);
    }
  }

  std::vector<InstAccesses> Run();

 private:
  void PlanFrom(size_t leader, const Known& known);
  void PlanInst(size_t i);
  void NoteAddend(const UnitInst& unit_inst, const AccessPlan& plan);
  void HandOn(size_t i);
  void PlanMemory(const UnitInst& unit_inst, AccessPlan& plan);
  void PlanStack(const UnitInst& unit_inst, AccessPlan& plan);
  void PlanBase(u8 base, i32 offset, AccessPlan& plan);
  void ChooseLookup(AccessSite site, const cpu::MemoryOperand& mem, AccessPlan& plan);
  void NoteWrites(const UnitInst& unit_inst);
  void ChooseSlot(u8 slot_class, AccessPlan& plan);

  const Unit& unit_;
  std::vector<InstAccesses> plans_;
  std::vector<bool> is_planned_;
  OnlyWays only_ways_;
  std::vector<std::pair<size_t, Known>> open_;  // leaders that can take over what is known
  Known known_;
  AccessSite site_;  // that is being planned
  u8 next_slot_ = 0;
};

// A leader that has an only way in comes behind what leads there.
std::vector<InstAccesses> Planner::Run() {
  for (const bool takes_over : {false, true}) {
    for (size_t i = 0; i < unit_.insts.size(); ++i) {
      const bool begins = i == 0 || unit_.insts[i].is_leader;
      if (begins && !is_planned_[i] && (takes_over || !only_ways_.contains(i))) {
        PlanFrom(i, {});
      }
    }
  }
  return std::move(plans_);
}

void Planner::PlanFrom(size_t leader, const Known& known) {
  open_.emplace_back(leader, known);
  while (!open_.empty()) {
    size_t i = open_.back().first;
    known_ = open_.back().second;
    plans_[i].kept = known_.kept;
    open_.pop_back();
    do {
      PlanInst(i);
      HandOn(i++);
    } while (i < unit_.insts.size() && !unit_.insts[i].is_leader);
  }
}

void Planner::PlanInst(size_t i) {
  const UnitInst& unit_inst = unit_.insts[i];
  is_planned_[i] = true;
  site_ = {unit_inst.offset, false};
  PlanMemory(unit_inst, plans_[i].memory);
  site_.is_stack = true;
  PlanStack(unit_inst, plans_[i].stack);
  ChooseLookup({unit_inst.offset, false}, unit_inst.inst.mem, plans_[i].memory);
  ChooseLookup({unit_inst.offset, true}, unit_inst.inst.mem, plans_[i].stack);
  NoteWrites(unit_inst);
  NoteAddend(unit_inst, plans_[i].memory);
}

void Planner::NoteAddend(const UnitInst& unit_inst, const AccessPlan& plan) {
  const AccessPlan* const leader = plan.leader != nullptr ? plan.leader : &plan;
  if (!LeavesScratch(unit_inst.treatment)) {
    known_.kept = nullptr;
  } else if (plan.form == AccessForm::kBase && !leader->asks_tlb) {
    known_.kept = leader;
  }
}

void Planner::HandOn(size_t i) {
  for (const auto& [leader, from] : only_ways_) {
    if (from == i) {
      open_.emplace_back(leader, known_);
    }
  }
}

bool Contains(const std::vector<AccessSite>& sites, AccessSite site) {
  return std::find(sites.begin(), sites.end(), site) != sites.end();
}

bool IsPlainAddress(const Unit& unit, const cpu::MemoryOperand& mem) {
  const auto segment = static_cast<unsigned>(mem.segment);
  return mem.address_size * 8 == unit.mode.code_bits && mem.address_size != 2 &&
         !Bit(unit.mode.based_segments | unit.mode.limited_segments, segment) &&
         std::abs(mem.displacement) < kMaxConstant;
}

bool IsPinned(const Unit& unit, u8 reg) { return reg < 16 && !unit.homes.InMemory(reg); }

// Base and index, of which one may be missing, can be used as they are.
bool IsIndexed(const Unit& unit, const cpu::MemoryOperand& mem) {
  const bool has_base = mem.base != kNoRegister;
  return unit.mode.code_bits == 64 && (!has_base || IsPinned(unit, mem.base)) &&
         IsPinned(unit, mem.index);
}

// The address can be computed with one scratch register.
bool IsSimple(const Unit& unit, const cpu::MemoryOperand& mem) {
  return mem.base >= 16 || mem.index >= 16 || IsPinned(unit, mem.base) ||
         IsPinned(unit, mem.index);
}

void Planner::PlanMemory(const UnitInst& unit_inst, AccessPlan& plan) {
  const cpu::Operand* operand = MemoryOperandOf(unit_inst.inst);
  const bool has_access = operand != nullptr && unit_inst.treatment != Treatment::kLea &&
                          unit_inst.treatment != Treatment::kNothing &&
                          unit_inst.treatment < Treatment::kNeedX87;
  if (!has_access) {
    return;
  }
  const cpu::MemoryOperand& mem = unit_inst.inst.mem;
  plan.size = operand->size;
  plan.is_write = operand->is_written;
  plan.check_size = plan.size;
  const bool is_plain = IsPlainAddress(unit_, mem);
  if (is_plain && IsPinned(unit_, mem.base) && mem.index == kNoRegister) {
    PlanBase(mem.base, static_cast<i32>(mem.displacement), plan);
    return;
  }
  plan.form = is_plain && IsIndexed(unit_, mem) ? AccessForm::kIndexed : AccessForm::kAny;
  if (Bit(unit_.mode.based_segments, static_cast<unsigned>(mem.segment))) {
    ChooseSlot(static_cast<u8>(kSegmentSlot + static_cast<u8>(mem.segment)), plan);
  } else if (mem.base < 16 || mem.index < 16) {
    ChooseSlot(static_cast<u8>(kIndexedSlot + (mem.base < 16 ? mem.base : mem.index)), plan);
  } else {
    ChooseSlot(kOtherSlot, plan);
  }
}

// In a region each check has a cached run of its own: what runs often is not to lose it to another.
void Planner::ChooseSlot(u8 slot_class, AccessPlan& plan) {
  if (!unit_.is_region) {
    plan.slot_class = slot_class;
    return;
  }
  if (next_slot_ == kRegionSlots) {  // the first ones are used again: nothing may rely on them
    next_slot_ = 0;
    known_.groups = {};
    known_.kept = nullptr;
    for (auto& [leader, known] : open_) {
      known.groups = {};
      known.kept = nullptr;
    }
  }
  plan.slot_class = next_slot_++;
}

void Planner::PlanStack(const UnitInst& unit_inst, AccessPlan& plan) {
  const cpu::Inst& inst = unit_inst.inst;
  const u16 word = static_cast<u16>(unit_.mode.code_bits / 8);
  plan.size = word;
  switch (unit_inst.treatment) {
    case Treatment::kPush:
    case Treatment::kPushFlags:
      plan.size = inst.operand_size;
      plan.is_write = true;
      PlanBase(kRsp, -static_cast<i32>(plan.size), plan);
      break;
    case Treatment::kCall:
    case Treatment::kCallIndirect:
      plan.is_write = true;
      PlanBase(kRsp, -static_cast<i32>(word), plan);
      break;
    case Treatment::kPop:
      plan.size = inst.operand_size;
      PlanBase(kRsp, 0, plan);
      break;
    case Treatment::kReturn:
      PlanBase(kRsp, 0, plan);
      break;
    case Treatment::kLeave:
      PlanBase(kRbp, 0, plan);
      break;
    default:
      break;
  }
}

void Planner::PlanBase(u8 base, i32 offset, AccessPlan& plan) {
  plan.form = AccessForm::kBase;
  plan.base = base;
  plan.offset = offset;
  plan.check_offset = offset;
  plan.check_size = plan.size;
  if (!unit_.mode.ungrouped) {
    known_.groups.JoinOrLead(plan, Contains(unit_.hints.apart, site_));
  }
  if (plan.leader == nullptr) {
    ChooseSlot(base, plan);
  }
}

void Planner::ChooseLookup(AccessSite site, const cpu::MemoryOperand& mem, AccessPlan& plan) {
  plan.can_ask_tlb = unit_.mode.code_bits == 64 && plan.leader == nullptr &&
                     plan.form != AccessForm::kNone &&
                     (plan.form != AccessForm::kAny || IsSimple(unit_, mem));
  plan.asks_tlb = plan.can_ask_tlb && Contains(unit_.hints.wandering, site);
}

void Planner::NoteWrites(const UnitInst& unit_inst) {
  const cpu::Inst& inst = unit_inst.inst;
  const u8 word = static_cast<u8>(unit_.mode.code_bits / 8);
  u32 written = inst.gprs_written;
  switch (unit_inst.treatment) {
    case Treatment::kPush:
    case Treatment::kPushFlags:
      known_.groups.Move(kRsp, -i64{inst.operand_size});
      return;
    case Treatment::kPop:
      known_.groups.Move(kRsp, inst.operand_size);
      known_.groups.Forget(inst.operands[0].reg);
      return;
    case Treatment::kCall:
    case Treatment::kCallIndirect:
    case Treatment::kCallOut:  // C++ may drop or replace cached runs
      known_.groups = {};
      return;
    case Treatment::kConditional:
    case Treatment::kLoop:
    case Treatment::kJumpIndirect:
      known_.groups.NoteWayOut();
      break;
    default:
      break;
  }
  if (const std::optional<i64> by = ConstantAdded(unit_inst, word)) {
    known_.groups.Move(inst.operands[0].reg, *by);
    written &= ~(1u << inst.operands[0].reg);
  }
  for (u32 rest = written & 0xffff; rest != 0; rest &= rest - 1) {
    known_.groups.Forget(static_cast<u8>(std::countr_zero(rest)));
  }
}

}  // namespace

std::vector<InstAccesses> PlanAccesses(const Unit& unit, GroupReach reach) {
  return Planner(unit, reach).Run();
}

}  // namespace tandem::jit
