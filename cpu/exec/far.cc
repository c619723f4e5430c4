#include "cpu/event/deliver.h"
#include "cpu/event/transfer.h"
#include "cpu/exec/operand.h"

// Far JMP, CALL, RET, IRET; INT n, INT3, INTO, INT1; SYSCALL, SYSENTER and their returns. The
// transfers themselves are in cpu/event.
namespace tandem::cpu {
namespace {

// state.rip must be the instruction's own address while an event function runs. On success it is
// the target; on a fault the block's start again.
template <typename Transfer>
Flow Run(Core& core, const Step& step, Transfer transfer) {
  const u64 block_rip = core.state.rip;
  const u16 task = core.state.tr.selector;
  core.state.rip = core.RipOf(step);
  if (const Fault fault = transfer()) {
    const Flow flow = core.Raise(fault);
    if (core.state.tr.selector != task) {
      return Flow::kFaultInNewTask;
    }
    core.state.rip = block_rip;
    return flow;
  }
  return Flow::kTransfer;
}

// A far pointer in the instruction or in memory: offset first, then the selector.
template <typename T>
bool ReadFarPointer(Core& core, const Step& step, u64& offset, u16& selector) {
  if (step.inst->operands[0].kind == OperandKind::kFarPointer) {
    offset = static_cast<T>(step.inst->immediate);
    selector = step.inst->immediate2;
    return true;
  }
  struct [[gnu::packed]] Pointer {
    T offset;
    u16 selector;
  } pointer;
  Gva linear;
  if (!MemoryAddress(core, step, sizeof(pointer), AccessKind::kRead, linear)) {
    return false;
  }
  if (const Fault fault =
          core.mmu.ReadBytes(linear, {reinterpret_cast<std::byte*>(&pointer), sizeof(pointer)})) {
    return MemoryFault(core, step.segment, fault);
  }
  offset = pointer.offset;
  selector = pointer.selector;
  return true;
}

template <bool kCall>
struct Far {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    u64 offset;
    u16 selector;
    if (!ReadFarPointer<T>(core, step, offset, selector)) {
      return Flow::kFault;
    }
    const u64 next = core.RipAfter(step);
    return cpu::Run(core, step, [&] {
      return kCall ? FarCall(core, selector, offset, sizeof(T), next)
                   : FarJump(core, selector, offset, sizeof(T), next);
    });
  }
};

Flow RetFar(Core& core, const Step& step) {
  return Run(core, step,
             [&] { return FarReturn(core, step.operand_size, static_cast<u16>(step.immediate)); });
}

Flow Iret(Core& core, const Step& step) {
  const u64 next = core.RipAfter(step);
  return Run(core, step, [&] { return InterruptReturn(core, step.operand_size, next); });
}

template <SoftwareInterruptKind kKind>
Flow Interrupt(Core& core, const Step& step) {
  u8 vector = static_cast<u8>(step.immediate);
  if constexpr (kKind == SoftwareInterruptKind::kInt3) {
    vector = static_cast<u8>(Vector::kBp);
  } else if constexpr (kKind == SoftwareInterruptKind::kInt1) {
    vector = static_cast<u8>(Vector::kDb);
  } else if constexpr (kKind == SoftwareInterruptKind::kInto) {
    vector = static_cast<u8>(Vector::kOf);
    if ((core.state.rflags & kFlagOf) == 0) {
      return Flow::kNext;
    }
  }
  const u64 next = core.RipAfter(step);
  return Run(core, step, [&] { return SoftwareInterrupt(core, vector, kKind, next); });
}

Flow DoSyscall(Core& core, const Step& step) {
  const u64 next = core.RipAfter(step);
  return Run(core, step, [&] { return SysCall(core, next); });
}
Flow DoSysret(Core& core, const Step& step) {
  return Run(core, step, [&] { return SysReturn(core, step.operand_size); });
}
Flow DoSysenter(Core& core, const Step& step) {
  return Run(core, step, [&] { return SysEnter(core); });
}
Flow DoSysexit(Core& core, const Step& step) {
  return Run(core, step, [&] { return SysExit(core, step.operand_size); });
}

}  // namespace

ExecFn SelectFar(const Inst& inst) {
  switch (inst.op) {
    case Op::kJmp:
      return inst.is_far ? ByWideSize<Far<false>>(inst.operand_size) : nullptr;
    case Op::kCall:
      return inst.is_far ? ByWideSize<Far<true>>(inst.operand_size) : nullptr;
    case Op::kRet:
      return inst.is_far ? &RetFar : nullptr;
    case Op::kIret:
      return &Iret;
    case Op::kInt:
      return &Interrupt<SoftwareInterruptKind::kIntN>;
    case Op::kInt3:
      return &Interrupt<SoftwareInterruptKind::kInt3>;
    case Op::kInt1:
      return &Interrupt<SoftwareInterruptKind::kInt1>;
    case Op::kInto:
      return &Interrupt<SoftwareInterruptKind::kInto>;
    case Op::kSyscall:
      return &DoSyscall;
    case Op::kSysret:
      return &DoSysret;
    case Op::kSysenter:
      return &DoSysenter;
    case Op::kSysexit:
      return &DoSysexit;
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
