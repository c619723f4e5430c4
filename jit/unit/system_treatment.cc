#include "jit/unit/treatment.h"

// Instructions whose operation is C++'s: which of them can leave the unit's premises as they are.
namespace tandem::jit {
namespace {

using cpu::Inst;
using cpu::Op;
using cpu::OperandKind;

// The privilege is what the instruction asks for, so that it cannot fault.
Treatment OfFlags(const Inst& inst, const UnitMode& mode) {
  const bool is_plain_push =
      !mode.is_real && inst.operand_size * 8 == mode.code_bits && HasPlainStack(mode);
  switch (inst.op) {
    case Op::kCli: case Op::kSti:
      return mode.is_kernel ? Treatment::kInterruptFlag : Treatment::kExecute;
    case Op::kSwapgs:
      return mode.is_kernel && mode.code_bits == 64 ? Treatment::kSwapGs : Treatment::kExecute;
    default:
      return is_plain_push ? Treatment::kPushFlags : Treatment::kCallOut;
  }
}

bool WritesSystemRegister(const Inst& inst) {
  const cpu::Operand& to = inst.operands[0];
  return to.kind == OperandKind::kSegment || to.kind == OperandKind::kControl ||
         to.kind == OperandKind::kDebug;
}

// What goes elsewhere, always faults, or changes what the unit was translated for.
bool ChangesPremises(const Inst& inst) {
  switch (inst.op) {
    case Op::kInvalid: case Op::kTooLong: case Op::kUd:
    case Op::kJmp: case Op::kJcc: case Op::kCall: case Op::kRet: case Op::kLoop: case Op::kLoope:
    case Op::kLoopne: case Op::kJcxz: case Op::kInt: case Op::kInt1: case Op::kInt3:
    case Op::kInto: case Op::kIret: case Op::kSyscall: case Op::kSysret: case Op::kSysenter:
    case Op::kSysexit: case Op::kHlt: case Op::kPopf: case Op::kStac: case Op::kClac:
    case Op::kXsetbv: case Op::kWrpkru: case Op::kLgdt: case Op::kLidt: case Op::kLldt:
    case Op::kLtr: case Op::kLmsw: case Op::kClts: case Op::kLds: case Op::kLes: case Op::kLfs:
    case Op::kLgs: case Op::kLss:
      return true;
    case Op::kMov: case Op::kPop:
      return WritesSystemRegister(inst);
    default:
      return false;
  }
}

}  // namespace

Treatment SystemTreatmentOf(const Inst& inst, const UnitMode& mode, const cpu::CpuModel& model) {
  if (!cpu::IsOffered(model, inst)) {
    return Treatment::kExecute;
  }
  if (inst.op == Op::kHost || inst.op == Op::kFwait || inst.host_class != cpu::HostClass::kNone) {
    return Treatment::kInterpret;
  }
  if (ChangesPremises(inst)) {
    return Treatment::kExecute;
  }
  switch (inst.op) {
    case Op::kCli: case Op::kSti: case Op::kSwapgs: case Op::kPushf:
      return OfFlags(inst, mode);
    default:
      return Treatment::kCallOut;
  }
}

}  // namespace tandem::jit
