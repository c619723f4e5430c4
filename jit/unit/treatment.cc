#include "jit/unit/treatment.h"

#include <algorithm>

#include "base/bits.h"

namespace tandem::jit {
namespace {

using cpu::HostClass;
using cpu::Inst;
using cpu::Op;
using cpu::OperandKind;

bool TouchesSystemRegister(const Inst& inst) {
  return HasOperand(inst, OperandKind::kSegment) || HasOperand(inst, OperandKind::kControl) ||
         HasOperand(inst, OperandKind::kDebug);
}

// AH to BH cannot be named beside a register that needs a REX prefix, as the host's for RSP does.
bool MixesHighByteWithRsp(const Inst& inst) {
  return HasOperand(inst, OperandKind::kHighByte) &&
         std::any_of(inst.operands.begin(), inst.operands.begin() + inst.operand_count,
                     [](const cpu::Operand& operand) {
                       return operand.kind == OperandKind::kGpr && operand.reg == cpu::kRsp;
                     });
}

bool MemoryIsStrange(const Inst& inst, const UnitMode& mode) {
  return MemoryOperandOf(inst) != nullptr &&
         (inst.mem.is_vsib ||
          Bit(mode.strange_segments, static_cast<unsigned>(inst.mem.segment)));
}

bool HasCodeSize(const Inst& inst, const UnitMode& mode) {
  return inst.operand_size * 8 == mode.code_bits && mode.code_bits != 16;
}

Treatment PlainTransfer(bool is_plain, Treatment treatment) {
  return is_plain ? treatment : Treatment::kInterpret;
}

Treatment OfBranch(const Inst& inst, const UnitMode& mode) {
  if (inst.is_far || !HasCodeSize(inst, mode)) {
    return Treatment::kInterpret;
  }
  const bool is_relative = inst.operands[0].kind == OperandKind::kImmediate;
  switch (inst.op) {
    case Op::kJcc:
      return Treatment::kConditional;
    case Op::kJmp:
      return is_relative ? Treatment::kJump : Treatment::kJumpIndirect;
    case Op::kCall:
      return PlainTransfer(HasPlainStack(mode),
                           is_relative ? Treatment::kCall : Treatment::kCallIndirect);
    case Op::kRet:
      return PlainTransfer(HasPlainStack(mode), Treatment::kReturn);
    default:
      return PlainTransfer(inst.address_size * 8 == mode.code_bits, Treatment::kLoop);
  }
}

Treatment OfStack(const Inst& inst, const UnitMode& mode) {
  const cpu::Operand& operand = inst.operands[0];
  if (!HasPlainStack(mode) || TouchesSystemRegister(inst)) {
    return Treatment::kInterpret;
  }
  if (inst.op == Op::kLeave) {
    return HasCodeSize(inst, mode) ? Treatment::kLeave : Treatment::kInterpret;
  }
  if (inst.op == Op::kPush) {
    return Treatment::kPush;
  }
  const bool is_plain = operand.kind == OperandKind::kGpr &&
                        (operand.reg != cpu::kRsp || HasCodeSize(inst, mode));
  return is_plain ? Treatment::kPop : Treatment::kInterpret;
}

Treatment WithX87(const UnitMode& mode) {
  if (!mode.x87_usable) {
    return Treatment::kInterpret;
  }
  return mode.x87_loaded ? Treatment::kCopy : Treatment::kNeedX87;
}

Treatment WithVectors(bool usable, const UnitMode& mode) {
  if (!usable) {
    return Treatment::kInterpret;
  }
  return mode.vec_loaded ? Treatment::kCopy : Treatment::kNeedVectors;
}

Treatment OfUnit(const Inst& inst, const UnitMode& mode) {
  switch (inst.host_class) {
    case HostClass::kGeneral:
      return Treatment::kCopy;
    case HostClass::kX87:
      return WithX87(mode);
    case HostClass::kMmx: {
      const bool has_vectors = (inst.vectors_read | inst.vectors_written) != 0 || inst.uses_mxcsr;
      const Treatment x87 = WithX87(mode);
      return has_vectors && x87 == Treatment::kCopy ? WithVectors(mode.sse_usable, mode) : x87;
    }
    case HostClass::kSse:
      return WithVectors(mode.sse_usable, mode);
    case HostClass::kAvx:
      return WithVectors(mode.avx_usable, mode);
    case HostClass::kAvx512:
      return WithVectors(mode.avx512_usable, mode);
    default:
      return Treatment::kInterpret;
  }
}

// MFENCE, LFENCE and SFENCE; SERIALIZE has another opcode, and not every host has it.
bool IsOldFence(const Inst& inst) { return inst.bytes[inst.opcode_at + 1] == 0xae; }

bool IsBitStringInMemory(const Inst& inst) {
  return inst.operands[0].IsMemory() && inst.operands[1].kind != OperandKind::kImmediate;
}

Treatment OfInteger(const Inst& inst, const UnitMode& mode) {
  switch (inst.op) {
    case Op::kMov: case Op::kMovzx: case Op::kMovsx: case Op::kMovsxd: case Op::kMovbe:
    case Op::kMovnti: case Op::kXchg: case Op::kCmovcc: case Op::kSetcc: case Op::kBswap:
    case Op::kCbw: case Op::kCwde: case Op::kCdqe: case Op::kCwd: case Op::kCdq: case Op::kCqo:
    case Op::kLahf: case Op::kSahf: case Op::kXadd: case Op::kCmpxchg: case Op::kCmpxchg8b:
    case Op::kCmpxchg16b: case Op::kAdd: case Op::kOr: case Op::kAdc: case Op::kSbb:
    case Op::kAnd: case Op::kSub: case Op::kXor: case Op::kCmp: case Op::kTest: case Op::kInc:
    case Op::kDec: case Op::kNeg: case Op::kNot: case Op::kRol: case Op::kRor: case Op::kRcl:
    case Op::kRcr: case Op::kShl: case Op::kShr: case Op::kSar: case Op::kShld: case Op::kShrd:
    case Op::kBsf: case Op::kBsr: case Op::kMul: case Op::kImul: case Op::kDiv: case Op::kIdiv:
    case Op::kClc: case Op::kStc: case Op::kCmc: case Op::kPause:
      return Treatment::kCopy;
    case Op::kBt: case Op::kBts: case Op::kBtr: case Op::kBtc:
      return IsBitStringInMemory(inst) ? Treatment::kInterpret : Treatment::kCopy;
    case Op::kLea:
      return Treatment::kLea;
    case Op::kNop:
      return Treatment::kNothing;
    case Op::kFence:
      return IsOldFence(inst) ? Treatment::kCopy : Treatment::kInterpret;
    case Op::kCld: case Op::kStd:
      return Treatment::kDirection;
    case Op::kLdmxcsr: case Op::kStmxcsr:
      return WithVectors(mode.sse_usable, mode);
    case Op::kVzeroupper: case Op::kVzeroall:  // of eight registers outside 64-bit mode
      return WithVectors(mode.avx_usable && mode.code_bits == 64, mode);
    case Op::kFwait:
      return WithX87(mode);
    default:
      return Treatment::kInterpret;
  }
}

// What the emitter makes of it by itself; kInterpret: nothing.
Treatment EmittedTreatmentOf(const Inst& inst, const UnitMode& mode, const cpu::CpuModel& model) {
  if (!cpu::IsOffered(model, inst) || MixesHighByteWithRsp(inst)) {
    return Treatment::kInterpret;
  }
  switch (inst.op) {
    case Op::kJcc: case Op::kJmp: case Op::kCall: case Op::kRet: case Op::kLoop:
    case Op::kLoope: case Op::kLoopne: case Op::kJcxz:
      return inst.op != Op::kJmp && inst.op != Op::kCall ? OfBranch(inst, mode)
             : MemoryIsStrange(inst, mode)               ? Treatment::kInterpret
                                                         : OfBranch(inst, mode);
    case Op::kLea:
      return Treatment::kLea;
    case Op::kNop:
      return Treatment::kNothing;
    default:
      break;
  }
  if (MemoryIsStrange(inst, mode) || TouchesSystemRegister(inst)) {
    return Treatment::kInterpret;
  }
  switch (inst.op) {
    case Op::kPush: case Op::kPop: case Op::kLeave:
      return OfStack(inst, mode);
    case Op::kHost:
      return OfUnit(inst, mode);
    default:
      return OfInteger(inst, mode);
  }
}

}  // namespace

bool HasPlainStack(const UnitMode& mode) {
  const auto ss = static_cast<unsigned>(cpu::SegReg::kSs);
  return mode.stack_bits == mode.code_bits && mode.code_bits != 16 &&
         !Bit(mode.strange_segments | mode.limited_segments | mode.based_segments, ss);
}

bool SuitsShadow(Treatment behind) {
  return behind != Treatment::kNeedX87 && behind != Treatment::kNeedVectors;
}

bool LeavesScratch(Treatment treatment) {
  switch (treatment) {
    case Treatment::kCopy:
    case Treatment::kNothing:
    case Treatment::kLea:
    case Treatment::kConditional:
    case Treatment::kJump:
      return true;
    default:
      return false;
  }
}

bool EndsUnit(Treatment treatment) {
  switch (treatment) {
    case Treatment::kJump:
    case Treatment::kJumpIndirect:
    case Treatment::kCall:
    case Treatment::kCallIndirect:
    case Treatment::kReturn:
    case Treatment::kLoop:
    case Treatment::kNeedX87:
    case Treatment::kNeedVectors:
    case Treatment::kExecute:
    case Treatment::kInterpret:
      return true;
    default:
      return false;
  }
}

Treatment TreatmentOf(const Inst& inst, const UnitMode& mode, const cpu::CpuModel& model) {
  const Treatment emitted = EmittedTreatmentOf(inst, mode, model);
  return emitted == Treatment::kInterpret ? SystemTreatmentOf(inst, mode, model) : emitted;
}

}  // namespace tandem::jit
