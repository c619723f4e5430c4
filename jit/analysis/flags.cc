#include "jit/analysis/flags.h"

namespace tandem::jit {
namespace {

using cpu::kArithFlags;
using cpu::Op;

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

}  // namespace

FlagEffect FlagEffectOf(const UnitInst& unit_inst) {
  const cpu::Inst& inst = unit_inst.inst;
  switch (unit_inst.treatment) {
    case Treatment::kCopy: {
      const u32 written = inst.flags_written & static_cast<u32>(kArithFlags);
      const u32 read = inst.flags_read & static_cast<u32>(kArithFlags);
      return MayLeaveFlags(inst) ? FlagEffect{read | written, 0} : FlagEffect{read, written};
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

std::vector<u32> LiveFlags(const Unit& unit, u32 live_at_end) {
  std::vector<u32> live(unit.insts.size());
  u32 after = live_at_end;
  for (size_t i = unit.insts.size(); i-- > 0;) {
    live[i] = after;
    const FlagEffect effect = FlagEffectOf(unit.insts[i]);
    after = (after & ~effect.overwrites) | effect.needs;
    if (unit.insts[i].treatment == Treatment::kConditional) {
      after |= static_cast<u32>(kArithFlags);  // what the other way needs is not known
    }
  }
  return live;
}

}  // namespace tandem::jit
