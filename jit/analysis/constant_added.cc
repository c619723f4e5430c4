#include "jit/analysis/constant_added.h"

namespace tandem::jit {

using cpu::kNoRegister;

std::optional<i64> ConstantAdded(const UnitInst& unit_inst, u8 word) {
  const cpu::Inst& inst = unit_inst.inst;
  const cpu::Operand& to = inst.operands[0];
  if (to.kind != cpu::OperandKind::kGpr || to.size != word) {
    return std::nullopt;
  }
  const bool is_immediate = inst.operands[1].kind == cpu::OperandKind::kImmediate;
  switch (inst.op) {
    case cpu::Op::kAdd:
      return is_immediate ? std::optional(static_cast<i64>(inst.immediate)) : std::nullopt;
    case cpu::Op::kSub:
      return is_immediate ? std::optional(-static_cast<i64>(inst.immediate)) : std::nullopt;
    case cpu::Op::kInc:
      return 1;
    case cpu::Op::kDec:
      return -1;
    case cpu::Op::kLea:
      return inst.mem.base == to.reg && inst.mem.index == kNoRegister &&
                     inst.mem.address_size == word
                 ? std::optional(inst.mem.displacement)
                 : std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace tandem::jit
