#include "jit/analysis/known_bounds.h"

#include <algorithm>

#include "base/bits.h"

namespace tandem::jit {

using cpu::OperandKind;

// Of the register that the first operand names. Results of four bytes are extended by zeros.
u16 KnownBounds::BoundOfResult(const cpu::Inst& inst) const {
  const cpu::Operand& to = inst.operands[0];
  const cpu::Operand& from = inst.operands[1];
  const u16 constant = static_cast<u16>(std::min<u64>(inst.immediate, kUnknown));
  switch (inst.op) {
    case cpu::Op::kSetcc:  // the rest of the register stays
      return bounds_[to.reg] == kUnknown ? kUnknown : 1;
    case cpu::Op::kXor:
    case cpu::Op::kSub:
      return to.size >= 4 && from.kind == OperandKind::kGpr && from.reg == to.reg ? 0 : kUnknown;
    case cpu::Op::kMov:
    case cpu::Op::kAnd:
      return to.size >= 4 && from.kind == OperandKind::kImmediate ? constant : kUnknown;
    case cpu::Op::kMovzx:
      return to.size >= 4 && from.size == 1 ? 255 : kUnknown;
    default:
      return kUnknown;
  }
}

void KnownBounds::Note(const UnitInst& unit_inst) {
  switch (unit_inst.treatment) {
    case Treatment::kNothing:
    case Treatment::kConditional:
    case Treatment::kJump:
    case Treatment::kJumpIndirect:
      return;
    case Treatment::kCopy:
    case Treatment::kLea:
      NoteResult(unit_inst.inst);
      return;
    default:
      *this = {};
  }
}

void KnownBounds::NoteResult(const cpu::Inst& inst) {
  const bool has_result = inst.operands[0].kind == OperandKind::kGpr && inst.operands[0].is_written;
  const u16 result = has_result ? BoundOfResult(inst) : kUnknown;
  for (u8 reg = 0; reg < bounds_.size(); ++reg) {
    bounds_[reg] = Bit(inst.gprs_written, reg) ? kUnknown : bounds_[reg];
  }
  if (has_result) {
    bounds_[inst.operands[0].reg] = result;
  }
}

}  // namespace tandem::jit
