#include <type_traits>
#include <utility>

#include "cpu/event/descriptor.h"
#include "cpu/exec/flags.h"
#include "cpu/exec/stack_access.h"

// Near JMP, CALL, RET, Jcc, LOOP, JCXZ; BOUND. SDM Vol. 2.
namespace tandem::cpu {
namespace {

u64 CutToSize(u64 target, u8 operand_size) {
  return operand_size == 8   ? target
         : operand_size == 4 ? static_cast<u32>(target)
                             : static_cast<u16>(target);
}

// 64-bit mode: canonical (by the paging depth); else within the limit of CS.
bool CheckTarget(Core& core, u64 target) {
  bool is_valid;
  if (core.rip_mask == ~u64{0}) {
    is_valid = IsCanonical(core.state, target);
  } else {
    is_valid = target <= core.state.Seg(SegReg::kCs).limit;
  }
  if (!is_valid) {
    core.fault = Fault::Gp();
  }
  return is_valid;
}

Flow GoTo(Core& core, u64 target) {
  if (!CheckTarget(core, target)) [[unlikely]] {
    return Flow::kFault;
  }
  core.state.rip = target;
  return Flow::kBranch;
}

u64 RelativeTarget(const Core& core, const Step& step) {
  return CutToSize(core.state.rip + step.next + step.immediate, step.operand_size);
}

Flow JmpRelative(Core& core, const Step& step) { return GoTo(core, RelativeTarget(core, step)); }

template <u8 kCondition>
Flow Jcc(Core& core, const Step& step) {
  if (ConditionHolds(core.state.rflags, kCondition)) {
    return GoTo(core, RelativeTarget(core, step));
  }
  core.state.rip = core.RipAfter(step);
  return Flow::kBranch;
}

template <size_t... kConditions>
ExecFn JccOf(u8 condition, std::index_sequence<kConditions...>) {
  static constexpr ExecFn kTable[] = {&Jcc<kConditions>...};
  return kTable[condition];
}

// The target of an indirect branch: a register or memory operand.
template <typename T>
bool ReadTarget(Core& core, const Step& step, u64& target) {
  T value;
  if (step.inst->operands[0].IsMemory()) {
    if (!LoadMemory(core, step, value)) {
      return false;
    }
  } else {
    value = ReadReg<T>(core, step.dst);
  }
  target = value;
  return true;
}

struct JmpIndirect {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    u64 target;
    return ReadTarget<T>(core, step, target) ? GoTo(core, target) : Flow::kFault;
  }
};

template <typename T>
Flow CallTo(Core& core, const Step& step, u64 target) {
  if (!CheckTarget(core, target) ||
      !PushValue<T>(core, step, static_cast<T>(core.RipAfter(step)))) {
    return Flow::kFault;
  }
  core.state.rip = target;
  return Flow::kBranch;
}

struct CallRelative {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    return CallTo<T>(core, step, RelativeTarget(core, step));
  }
};

struct CallIndirect {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    u64 target;
    return ReadTarget<T>(core, step, target) ? CallTo<T>(core, step, target) : Flow::kFault;
  }
};

struct Ret {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    T target;
    if (!PeekValue(core, step, 0, target) || !CheckTarget(core, target)) {
      return Flow::kFault;
    }
    DropFromStack(core, sizeof(T) + static_cast<u16>(step.immediate));
    core.state.rip = target;
    return Flow::kBranch;
  }
};

u64 CountOf(const Core& core, const Step& step) {
  return CutToSize(core.state.gpr[kRcx], step.address_size);
}

enum class LoopKind : u8 { kAlways, kWhileZero, kWhileNotZero };

template <LoopKind kKind>
Flow Loop(Core& core, const Step& step) {
  const u64 count = CutToSize(CountOf(core, step) - 1, step.address_size);
  const bool zero = (core.state.rflags & kFlagZf) != 0;
  const bool taken =
      count != 0 && (kKind == LoopKind::kAlways || zero == (kKind == LoopKind::kWhileZero));
  const u64 target = taken ? RelativeTarget(core, step) : core.RipAfter(step);
  if (taken && !CheckTarget(core, target)) {
    return Flow::kFault;
  }
  if (step.address_size == 2) {
    WriteReg<u16>(core, kRcx * 8, static_cast<u16>(count));
  } else {
    core.state.gpr[kRcx] = count;
  }
  core.state.rip = target;
  return Flow::kBranch;
}

Flow Jcxz(Core& core, const Step& step) {
  if (CountOf(core, step) == 0) {
    return GoTo(core, RelativeTarget(core, step));
  }
  core.state.rip = core.RipAfter(step);
  return Flow::kBranch;
}

struct Bound {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    using Signed = std::make_signed_t<T>;
    std::array<Signed, 2> bounds;
    if (!LoadMemory(core, step, bounds)) {
      return Flow::kFault;
    }
    const auto index = static_cast<Signed>(ReadReg<T>(core, step.dst));
    return index < bounds[0] || index > bounds[1] ? core.Raise(Fault::Of(Vector::kBr))
                                                  : Flow::kNext;
  }
};

bool IsRelative(const Inst& inst) { return inst.operands[0].kind == OperandKind::kImmediate; }

}  // namespace

ExecFn SelectBranch(const Inst& inst) {
  if (inst.is_far) {
    return nullptr;
  }
  const u32 size = inst.operand_size;
  switch (inst.op) {
    case Op::kJmp:
      return IsRelative(inst) ? &JmpRelative : ByWideSize<JmpIndirect>(size);
    case Op::kJcc:
      return JccOf(inst.condition, std::make_index_sequence<16>());
    case Op::kCall:
      return IsRelative(inst) ? ByWideSize<CallRelative>(size) : ByWideSize<CallIndirect>(size);
    case Op::kRet:
      return ByWideSize<Ret>(size);
    case Op::kLoop:
      return &Loop<LoopKind::kAlways>;
    case Op::kLoope:
      return &Loop<LoopKind::kWhileZero>;
    case Op::kLoopne:
      return &Loop<LoopKind::kWhileNotZero>;
    case Op::kJcxz:
      return &Jcxz;
    case Op::kBound:
      return ByWideSize<Bound>(size);
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
