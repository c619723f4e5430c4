#include "jit/analysis/flags.h"

namespace tandem::jit {
namespace {

using cpu::kArithFlags;
using cpu::Op;

constexpr u32 kAllFlags = static_cast<u32>(kArithFlags);

// A count of zero leaves all flags as they are.
bool MayLeaveFlags(const cpu::Inst& inst) {
  switch (inst.op) {
    case Op::kRol: case Op::kRor: case Op::kRcl: case Op::kRcr: case Op::kShl: case Op::kShr:
    case Op::kSar: case Op::kShld: case Op::kShrd: {
      const cpu::Operand& count = inst.operands[inst.operand_count - 1];
      const u64 mask = inst.operand_size == 8 ? 63 : 31;
      return inst.operand_count < 2 || count.kind != cpu::OperandKind::kImmediate ||
             (inst.immediate & mask) == 0;
    }
    default:
      return false;
  }
}

// Undefined by the manual, and left alone by many processors.
u32 PerhapsKept(const cpu::Inst& inst) {
  constexpr u32 kCarryAndOverflow = static_cast<u32>(cpu::kFlagCf | cpu::kFlagOf);
  switch (inst.op) {
    case Op::kBt:
    case Op::kBts:
    case Op::kBtr:
    case Op::kBtc:
      return kAllFlags & ~static_cast<u32>(cpu::kFlagCf);
    case Op::kMul:
    case Op::kImul:
      return kAllFlags & ~kCarryAndOverflow;
    case Op::kDiv:
    case Op::kIdiv:
    case Op::kBsf:
    case Op::kBsr:
      return kAllFlags;
    case Op::kHost:  // TZCNT and LZCNT, if it writes OF without defining it
      return inst.host_class == cpu::HostClass::kGeneral ? static_cast<u32>(cpu::kFlagOf) : 0;
    default:
      return 0;
  }
}

// Whether it can neither fault nor let anybody look at the guest in front of it.
bool IsSilent(const UnitInst& unit_inst) {
  const cpu::Inst& inst = unit_inst.inst;
  switch (unit_inst.treatment) {
    case Treatment::kNothing:
    case Treatment::kLea:
    case Treatment::kDirection:
    case Treatment::kSwapGs:
      return !unit_inst.is_leader;
    case Treatment::kCopy: {
      const bool has_plain_unit =
          inst.host_class == cpu::HostClass::kNone || inst.host_class == cpu::HostClass::kGeneral;
      return !unit_inst.is_leader && has_plain_unit && MemoryOperandOf(inst) == nullptr &&
             inst.op != Op::kDiv && inst.op != Op::kIdiv && inst.op != Op::kFwait;
    }
    default:
      return false;
  }
}

class LivenessFinder {
 public:
  LivenessFinder(const Unit& unit, const std::function<u32(i64)>& needed_at)
      : unit_(unit), needed_at_(needed_at), live_(unit.insts.size()) {}

  // Backward until nothing changes: loops need a second look.
  std::vector<FlagLiveness> Find() {
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t i = live_.size(); i-- > 0;) {
        const FlagEffect effect = FlagEffectOf(unit_.insts[i]);
        const u32 after = After(i);
        const bool is_seen = unit_.mode.precise_flags && !IsSilent(unit_.insts[i]);
        const u32 before = is_seen ? kAllFlags : (after & ~effect.overwrites) | effect.needs;
        changed |= looked_inside_ && before != live_[i].before;
        live_[i] = {before, after};
      }
    }
    return std::move(live_);
  }

 private:
  u32 After(size_t i);
  u32 At(i64 offset);

  const Unit& unit_;
  const std::function<u32(i64)>& needed_at_;
  std::vector<FlagLiveness> live_;
  bool looked_inside_ = false;
};

u32 LivenessFinder::After(size_t i) {
  const UnitInst& inst = unit_.insts[i];
  switch (inst.treatment) {
    case Treatment::kConditional:
    case Treatment::kLoop:
      // Straight units are made in a hurry: they do not look where conditional jumps lead.
      return unit_.is_region ? At(inst.next()) | At(inst.target()) : kAllFlags;
    case Treatment::kJump:
    case Treatment::kCall:
      return At(inst.target());
    case Treatment::kJumpIndirect:
    case Treatment::kCallIndirect:
    case Treatment::kReturn:
    case Treatment::kExecute:
    case Treatment::kInterpret:
    case Treatment::kNeedX87:
    case Treatment::kNeedVectors:
      return kAllFlags;
    default:
      return unit_.FallsInto(i) ? live_[i + 1].before : At(inst.next());
  }
}

u32 LivenessFinder::At(i64 offset) {
  if (const UnitInst* inside = unit_.LeaderAt(offset)) {
    looked_inside_ = true;
    return live_[static_cast<size_t>(inside - unit_.insts.data())].before;
  }
  return needed_at_(offset);
}

}  // namespace

FlagEffect FlagEffectOf(const UnitInst& unit_inst) {
  const cpu::Inst& inst = unit_inst.inst;
  switch (unit_inst.treatment) {
    case Treatment::kCopy: {
      const u32 written = inst.flags_written & static_cast<u32>(kArithFlags);
      const u32 read = inst.flags_read & static_cast<u32>(kArithFlags);
      return MayLeaveFlags(inst) ? FlagEffect{read | written, 0}
                                 : FlagEffect{read, written & ~PerhapsKept(inst)};
    }
    case Treatment::kConditional:
    case Treatment::kLoop:
      return {inst.flags_read & static_cast<u32>(kArithFlags), 0};
    case Treatment::kPushFlags:
    case Treatment::kCallOut:
    case Treatment::kExecute:
    case Treatment::kInterpret:
    case Treatment::kNeedX87:
    case Treatment::kNeedVectors:
      return {static_cast<u32>(kArithFlags), 0};
    default:
      return {};
  }
}

std::vector<FlagLiveness> LiveFlags(const Unit& unit, const std::function<u32(i64)>& needed_at) {
  return LivenessFinder(unit, needed_at).Find();
}

bool NeededFlags::Add(const UnitInst& inst) {
  const FlagEffect effect = FlagEffectOf(inst);
  needed_ |= effect.needs & open_;
  open_ &= ~(effect.overwrites | effect.needs);
  return open_ != 0 && inst.treatment != Treatment::kConditional && !EndsUnit(inst.treatment);
}

}  // namespace tandem::jit
