#include "cpu/event/system.h"
#include "cpu/exec/flags.h"
#include "cpu/exec/stack_access.h"

// CLC, STC, CMC, CLD, STD, CLI, STI, LAHF, SAHF, PUSHF, POPF, CLAC, STAC. SDM Vol. 2.
namespace tandem::cpu {
namespace {

template <u64 kFlag, bool kValue>
Flow SetFlag(Core& core, const Step&) {
  core.state.rflags = kValue ? core.state.rflags | kFlag : core.state.rflags & ~kFlag;
  return Flow::kNext;
}

Flow Cmc(Core& core, const Step&) {
  core.state.rflags ^= kFlagCf;
  return Flow::kNext;
}

Flow Lahf(Core& core, const Step&) {
  const u8 low = static_cast<u8>((core.state.rflags & 0xd5) | kFlagFixed1);
  WriteReg<u8>(core, kRax * 8 + 1, low);
  return Flow::kNext;
}

Flow Sahf(Core& core, const Step&) {
  SetArithFlags(core, ReadReg<u8>(core, kRax * 8 + 1), kArithFlags & ~kFlagOf);
  return Flow::kNext;
}

Flow Cli(Core& core, const Step&) {
  if (const Fault fault = ClearInterruptFlag(core)) {
    return core.Raise(fault);
  }
  return Flow::kNext;
}

// Ends the block: after the next instruction interrupts may be taken.
Flow Sti(Core& core, const Step&) {
  if (const Fault fault = SetInterruptFlag(core)) {
    return core.Raise(fault);
  }
  return Flow::kEnd;
}

// CLAC and STAC: CPL 0 only, #UD otherwise.
template <bool kSet>
Flow SetAc(Core& core, const Step& step) {
  if (core.state.cpl != 0 || core.state.InVirtual8086()) {
    return core.Raise(Fault::Ud());
  }
  (void)SetFlag<kFlagAc, kSet>(core, step);
  core.mmu.UpdateMode();
  return Flow::kNext;
}

struct Pushf {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    u64 image;
    if (const Fault fault = PushFlagsImage(core, sizeof(T), image)) {
      return core.Raise(fault);
    }
    return PushValue<T>(core, step, static_cast<T>(image)) ? Flow::kNext : Flow::kFault;
  }
};

struct Popf {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    T image;
    if (!PeekValue(core, step, 0, image)) {
      return Flow::kFault;
    }
    if (const Fault fault = PopFlagsImage(core, sizeof(T), image)) {
      return core.Raise(fault);
    }
    DropFromStack(core, sizeof(T));
    core.mmu.UpdateMode();
    return Flow::kEnd;
  }
};

}  // namespace

ExecFn SelectFlag(const Inst& inst) {
  switch (inst.op) {
    case Op::kClc:
      return &SetFlag<kFlagCf, false>;
    case Op::kStc:
      return &SetFlag<kFlagCf, true>;
    case Op::kCmc:
      return &Cmc;
    case Op::kCld:
      return &SetFlag<kFlagDf, false>;
    case Op::kStd:
      return &SetFlag<kFlagDf, true>;
    case Op::kCli:
      return &Cli;
    case Op::kSti:
      return &Sti;
    case Op::kClac:
      return &SetAc<false>;
    case Op::kStac:
      return &SetAc<true>;
    case Op::kLahf:
      return &Lahf;
    case Op::kSahf:
      return &Sahf;
    case Op::kPushf:
      return ByWideSize<Pushf>(inst.operand_size);
    case Op::kPopf:
      return ByWideSize<Popf>(inst.operand_size);
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
