#include "cpu/event/descriptor.h"
#include "cpu/event/xsave.h"
#include "cpu/exec/operand.h"

// FXSAVE, FXRSTOR, the XSAVE family, LDMXCSR, STMXCSR. SDM Vol. 2.
namespace tandem::cpu {
namespace {

constexpr u32 kLegacyAreaSize = 512;

u64 RequestedMask(const Core& core) {
  return (core.state.gpr[kRdx] << 32) | static_cast<u32>(core.state.gpr[kRax]);
}

template <typename Call>
Flow WithArea(Core& core, const Step& step, AccessKind kind, Call call) {
  Gva linear;
  if (!MemoryAddress(core, step, kLegacyAreaSize, kind, linear)) {
    return Flow::kFault;
  }
  if (const Fault fault = call(linear)) {
    // What is wrong with the area's alignment or contents is #GP(0) whatever the segment.
    if (fault.vector == Vector::kGp && IsCanonical(core.state, linear.value)) {
      return core.Raise(fault);
    }
    (void)MemoryFault(core, step.segment, fault);
    return Flow::kFault;
  }
  return Flow::kNext;
}

template <bool kLong>
Flow DoFxsave(Core& core, const Step& step) {
  return WithArea(core, step, AccessKind::kWrite,
                  [&](Gva linear) { return FxSave(core, linear, kLong); });
}

template <bool kLong>
Flow DoFxrstor(Core& core, const Step& step) {
  return WithArea(core, step, AccessKind::kRead,
                  [&](Gva linear) { return FxRestore(core, linear, kLong); });
}

template <XsaveVariant kVariant, bool kLong>
Flow DoXsave(Core& core, const Step& step) {
  return WithArea(core, step, AccessKind::kWrite, [&](Gva linear) {
    return Xsave(core, linear, kLong, kVariant, RequestedMask(core));
  });
}

template <bool kSupervisor, bool kLong>
Flow DoXrstor(Core& core, const Step& step) {
  return WithArea(core, step, AccessKind::kRead, [&](Gva linear) {
    return Xrestore(core, linear, kLong, kSupervisor, RequestedMask(core));
  });
}

// LDMXCSR and STMXCSR follow the rules of SSE instructions.
Fault CheckMxcsrAccess(const CpuState& state) {
  if ((state.cr0 & kCr0Em) != 0 || (state.cr4 & kCr4Osfxsr) == 0) {
    return Fault::Ud();
  }
  return (state.cr0 & kCr0Ts) != 0 ? Fault::Of(Vector::kNm) : Fault::None();
}

Flow Ldmxcsr(Core& core, const Step& step) {
  if (const Fault fault = CheckMxcsrAccess(core.state)) {
    return core.Raise(fault);
  }
  u32 value;
  if (!LoadMemory(core, step, value)) {
    return Flow::kFault;
  }
  if ((value & ~core.state.fx.mxcsr_mask) != 0) {
    return core.Raise(Fault::Gp());
  }
  core.state.fx.mxcsr = value;
  return Flow::kNext;
}

Flow Stmxcsr(Core& core, const Step& step) {
  if (const Fault fault = CheckMxcsrAccess(core.state)) {
    return core.Raise(fault);
  }
  return StoreMemory<u32>(core, step, core.state.fx.mxcsr) ? Flow::kNext : Flow::kFault;
}

}  // namespace

ExecFn SelectExtendedState(const Inst& inst) {
  switch (inst.op) {
    case Op::kFxsave:
      return &DoFxsave<false>;
    case Op::kFxsave64:
      return &DoFxsave<true>;
    case Op::kFxrstor:
      return &DoFxrstor<false>;
    case Op::kFxrstor64:
      return &DoFxrstor<true>;
    case Op::kXsave:
      return &DoXsave<XsaveVariant::kXsave, false>;
    case Op::kXsave64:
      return &DoXsave<XsaveVariant::kXsave, true>;
    case Op::kXsaveopt:
      return &DoXsave<XsaveVariant::kXsaveOpt, false>;
    case Op::kXsaveopt64:
      return &DoXsave<XsaveVariant::kXsaveOpt, true>;
    case Op::kXsavec:
      return &DoXsave<XsaveVariant::kXsaveC, false>;
    case Op::kXsavec64:
      return &DoXsave<XsaveVariant::kXsaveC, true>;
    case Op::kXsaves:
      return &DoXsave<XsaveVariant::kXsaveS, false>;
    case Op::kXsaves64:
      return &DoXsave<XsaveVariant::kXsaveS, true>;
    case Op::kXrstor:
      return &DoXrstor<false, false>;
    case Op::kXrstor64:
      return &DoXrstor<false, true>;
    case Op::kXrstors:
      return &DoXrstor<true, false>;
    case Op::kXrstors64:
      return &DoXrstor<true, true>;
    case Op::kLdmxcsr:
      return &Ldmxcsr;
    case Op::kStmxcsr:
      return &Stmxcsr;
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
