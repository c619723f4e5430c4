#include "tests/differential/treatment.h"

#include <algorithm>
#include <span>

#include "base/bits.h"

namespace tandem::cpu {
namespace {

bool IsIn(Op op, std::initializer_list<Op> ops) {
  return std::find(ops.begin(), ops.end(), op) != ops.end();
}

// Processors differ in PREFETCH of a register, PAUSE with REX.B, the upper half of a segment
// register pushed as 32 bits, LOOPE and LOOPNE with a repeat prefix, and near branches of 64-bit
// mode with an operand-size prefix, which Intel's ignore.
bool IsVendors(const Inst& inst, MachineMode mode) {
  const auto has_prefix = [prefixes = std::span(inst.bytes).first(inst.opcode_at)](u8 prefix) {
    return std::find(prefixes.begin(), prefixes.end(), prefix) != prefixes.end();
  };
  const u8* const opcode = &inst.bytes[inst.opcode_at];
  const bool is_loop = inst.op == Op::kLoope || inst.op == Op::kLoopne;
  const bool is_prefetch = opcode[0] == 0x0f && (opcode[1] == 0x0d || opcode[1] == 0x18);
  return (mode == MachineMode::kLong && has_prefix(0x66) && IsTransfer(inst.op) && !inst.is_far) ||
         (is_loop && (has_prefix(0xf2) || has_prefix(0xf3))) ||
         (inst.op == Op::kPush && inst.operands[0].kind == OperandKind::kSegment &&
          inst.operand_size == 4) ||
         (inst.op == Op::kNop && MemoryOperandOf(inst) == nullptr && is_prefetch) ||
         (inst.op == Op::kPause && inst.opcode_at > 0 &&
          (inst.bytes[inst.opcode_at - 1u] & 0xf1) == 0x41);
}

// RSP as a general-register operand of an EVEX encoding with X set, which means nothing there: Zen 4 gives
// its value from before a PUSH or POP, each time. Seen with VPBROADCASTB to VPBROADCASTQ, VMOVD, VMOVQ,
// VPINSRD and VCVTSI2SD; never with X clear, nor with VEX.
bool ReadsOldRsp(const Inst& inst) {
  if (inst.encoding != Encoding::kEvex || inst.bytes[inst.modrm_at] >> 6 != 3) {
    return false;
  }
  const bool has_x = !Bit(inst.bytes[inst.opcode_at - 3u], 6);
  return has_x && std::any_of(inst.operands.begin(), inst.operands.begin() + inst.operand_count,
                              [](const Operand& operand) {
                                return operand.kind == OperandKind::kGpr && operand.reg == kRsp;
                              });
}

bool WritesFs(const Inst& inst) {
  const Operand& to = inst.operands[0];
  return to.kind == OperandKind::kSegment && to.is_written && to.reg == 4;
}

bool HasWideFarPointer(const Inst& inst) {
  const Operand* const operand = MemoryOperandOf(inst);
  const bool is_far = inst.is_far || (inst.op >= Op::kLds && inst.op <= Op::kLss);
  return is_far && operand != nullptr && operand->size == 10 && __builtin_cpu_is("amd") != 0;
}

const char* ReasonOfNever(const Inst& inst) {
  if (IsIn(inst.op, {Op::kInt, Op::kSyscall, Op::kSysenter, Op::kSysret, Op::kSysexit})) {
    return "enters or leaves the host's kernel";
  }
  if (IsIn(inst.op, {Op::kSgdt, Op::kSidt, Op::kSldt, Op::kStr, Op::kSmsw})) {
    return "the host's kernel emulates it (UMIP)";
  }
  if (IsIn(inst.op, {Op::kRdfsbase, Op::kWrfsbase, Op::kLfs}) || WritesFs(inst) ||
      inst.mem.segment == SegReg::kFs) {
    return "FS belongs to the tester itself";
  }
  if (inst.op >= Op::kXsave && inst.op <= Op::kXrstors64 && inst.op != Op::kXsaves &&
      inst.op != Op::kXsaves64 && inst.op != Op::kXrstors && inst.op != Op::kXrstors64) {
    return "which components are in their initial state depends on the host's history";
  }
  if (HasWideFarPointer(inst)) {
    return "AMD's processors have no far pointers of 80 bits";
  }
  if (inst.op == Op::kHypercall) {
    return "the host's hypervisor answers it";
  }
  if (inst.op == Op::kInt1) {
    return "hypervisors differ about where it stops";
  }
  return inst.op == Op::kIret ? "needs a frame made for it: tests/guest" : "";
}

}  // namespace

bool IsString(Op op) {
  return IsIn(op, {Op::kMovs, Op::kCmps, Op::kScas, Op::kStos, Op::kLods, Op::kIns, Op::kOuts});
}

bool IsTransfer(Op op) {
  return IsIn(
      op, {Op::kJmp, Op::kJcc, Op::kCall, Op::kRet, Op::kLoop, Op::kLoope, Op::kLoopne, Op::kJcxz});
}

bool ReachesFar(Op op) {
  return IsString(op) ||
         IsIn(op, {Op::kXlat, Op::kMaskmovdqu, Op::kMaskmovq, Op::kFldenv, Op::kFrstor, Op::kFnstenv,
                   Op::kFnsave, Op::kFxsave, Op::kFxsave64, Op::kFxrstor, Op::kFxrstor64});
}

Native NativeTreatmentOf(const Inst& inst) {
  if (*ReasonOfNever(inst) != '\0') {
    return Native::kNever;
  }
  return IsIn(inst.op, {Op::kCpuid, Op::kRdtsc, Op::kRdtscp, Op::kRdpid, Op::kRdrand, Op::kRdseed,
                        Op::kXgetbv})
             ? Native::kOtherValue
             : Native::kExact;
}

const char* ReasonOf(const Inst& inst) {
  return NativeTreatmentOf(inst) == Native::kOtherValue ? "its value is the host's own"
                                                        : ReasonOfNever(inst);
}

bool IsTestable(const Inst& inst, const CpuModel& model, MachineMode mode) {
  const bool is_known =
      inst.op != Op::kInvalid && inst.op != Op::kTooLong && IsOffered(model, inst);
  // Outside 64-bit mode GS has a null selector on the host.
  const bool has_own_segment = inst.mem.segment < SegReg::kFs ||
                               (inst.mem.segment == SegReg::kGs && mode == MachineMode::kLong);
  return is_known && has_own_segment && !IsVendors(inst, mode) && !ReadsOldRsp(inst) &&
         NativeTreatmentOf(inst) != Native::kNever;
}

bool FitsSequence(const Inst& inst, const CpuModel& model) {
  const auto is_system = [](const Operand& operand) {
    return operand.kind == OperandKind::kSegment || operand.kind == OperandKind::kControl ||
           operand.kind == OperandKind::kDebug;
  };
  const bool is_excluded =
      IsTransfer(inst.op) || NativeTreatmentOf(inst) != Native::kExact ||
      IsIn(inst.op,
           {Op::kInt3,  Op::kInt1,  Op::kInto,  Op::kIns,    Op::kOuts,  Op::kIn,    Op::kOut,
            Op::kPopf,  Op::kPushf, Op::kCli,   Op::kSti,    Op::kClac,  Op::kStac,  Op::kHlt,
            Op::kRdpmc, Op::kRdmsr, Op::kWrmsr, Op::kClzero, Op::kEnter, Op::kLeave, Op::kUd}) ||
      (inst.op >= Op::kLgdt && inst.op <= Op::kWrgsbase) ||
      (inst.op >= Op::kXgetbv && inst.op <= Op::kXrstors64) ||
      (inst.op >= Op::kRdpkru && inst.op <= Op::kLss);
  return IsTestable(inst, model, MachineMode::kLong) && !is_excluded &&
         inst.mem.segment < SegReg::kFs &&
         std::none_of(inst.operands.begin(), inst.operands.end(), is_system);
}

u32 UndefinedFlags(const Inst& inst) {
  constexpr u32 kAll = static_cast<u32>(kArithFlags);
  constexpr u32 kCarries = static_cast<u32>(kFlagCf | kFlagOf);
  const u8* const opcode = &inst.bytes[inst.opcode_at];
  const bool is_scan = inst.encoding == Encoding::kLegacy && opcode[0] == 0x0f &&
                       (opcode[1] == 0xbc || opcode[1] == 0xbd);  // BSF to LZCNT
  if (is_scan) {
    return kAll & ~static_cast<u32>(kFlagZf | (inst.op == Op::kHost ? kFlagCf : 0));
  }
  switch (inst.op) {
    case Op::kMul:
    case Op::kImul:
      return kAll & ~kCarries;
    case Op::kDiv:
    case Op::kIdiv:
      return kAll;
    case Op::kBt:
    case Op::kBts:
    case Op::kBtr:
    case Op::kBtc:
      return kAll & ~static_cast<u32>(kFlagCf | kFlagZf);
    default:
      return 0;
  }
}

}  // namespace tandem::cpu
