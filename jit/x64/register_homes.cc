#include "jit/x64/register_homes.h"

#include <algorithm>

#include "jit/x64/reencode.h"

namespace tandem::jit {
namespace {

using cpu::Inst;
using cpu::Op;
using cpu::OperandKind;

// To exchange two places on the way out and back, in uses of a register in memory.
constexpr u64 kExchangeCost = 4;

constexpr u32 Mask(std::initializer_list<u8> registers) {
  u32 mask = 0;
  for (const u8 reg : registers) {
    mask |= 1u << reg;
  }
  return mask;
}

// Registers that an instruction means without naming them in a field that could be changed.
u32 FixedByOp(const UnitInst& unit_inst) {
  const Inst& inst = unit_inst.inst;
  switch (inst.op) {
    case Op::kMul: case Op::kImul: case Op::kDiv: case Op::kIdiv:
      return inst.operand_count < 2 ? Mask({cpu::kRax, cpu::kRdx}) : 0;
    case Op::kCmpxchg:
      return Mask({cpu::kRax});
    case Op::kCmpxchg8b: case Op::kCmpxchg16b:
      return Mask({cpu::kRax, cpu::kRbx, cpu::kRcx, cpu::kRdx});
    case Op::kLeave:
      return Mask({cpu::kRbp});
    case Op::kLoop: case Op::kLoope: case Op::kLoopne: case Op::kJcxz:
      return Mask({cpu::kRcx});
    default:
      return inst.gprs_hidden;
  }
}

// How often fields name each register, minus how often operands do.
u32 FixedByOperand(const Inst& inst, const std::array<u8, 16>& named) {
  std::array<u8, 16> seen{};
  u32 fixed = 0;
  for (u8 i = 0; i < inst.operand_count; ++i) {
    const cpu::Operand& operand = inst.operands[i];
    if (operand.kind == OperandKind::kHighByte) {
      fixed |= 1u << operand.reg;
    } else if (operand.kind == OperandKind::kGpr && ++seen[operand.reg] > named[operand.reg]) {
      fixed |= 1u << operand.reg;
    }
  }
  return fixed;
}

struct Use {
  u32 named = 0;  // registers that could lie elsewhere
  u32 fixed = 0;  // and those that could not
};

Use UseOf(const UnitInst& unit_inst, u8 code_bits) {
  const Inst& inst = unit_inst.inst;
  std::array<u8, 16> named{};
  Use use;
  for (const u8 reg : GprFieldsOf(inst, code_bits).all()) {
    if (reg < 16) {
      ++named[reg];
      use.named |= 1u << reg;
    }
  }
  for (const u8 reg : {inst.mem.base, inst.mem.index}) {
    use.named |= reg < 16 ? 1u << reg : 0;
  }
  const u32 all = (inst.gprs_read | inst.gprs_written) & 0xffff;
  use.fixed = FixedByOp(unit_inst) | FixedByOperand(inst, named) | (all & ~use.named);
  if (HasOperand(inst, OperandKind::kHighByte)) {
    use.fixed |= all;  // no register of the other half may stand beside it
  }
  use.named |= all;
  return use;
}

// Whether control leaves the region here, and comes back to it by its entry or a landing.
bool Crosses(const UnitInst& unit_inst) {
  switch (unit_inst.treatment) {
    case Treatment::kJumpIndirect:
    case Treatment::kCall:
    case Treatment::kCallIndirect:
    case Treatment::kReturn:
    case Treatment::kExecute:
    case Treatment::kInterpret:
      return true;
    default:
      return false;
  }
}

}  // namespace

Homes ChooseHomes(const Unit& unit) {
  std::array<u64, 16> uses{};
  u64 crossings = 0;
  u32 fixed = 1u << cpu::kRsp;
  for (const UnitInst& unit_inst : unit.insts) {
    const Use use = UseOf(unit_inst, unit.mode.code_bits);
    fixed |= use.fixed;
    crossings += Crosses(unit_inst) ? unit_inst.weight : 0;
    for (u8 reg = 0; reg < 16; ++reg) {
      uses[reg] += Bit(use.named, reg) ? unit_inst.weight : 0;
    }
  }
  Homes homes;
  for (size_t i = 0; i < kMemoryRegisters.size(); ++i) {
    u8 best = kMemoryRegisters[i];
    const u64 gain = uses[best] - std::min(uses[best], kExchangeCost * crossings);
    for (u8 reg = 0; reg < 16; ++reg) {
      const bool is_free = !LivesInMemory(reg) && !Bit(fixed, reg);
      best = is_free && uses[reg] < std::min(gain, uses[best]) ? reg : best;
    }
    homes.Exchange(i, best);
    fixed |= 1u << best;
  }
  return homes;
}

}  // namespace tandem::jit
