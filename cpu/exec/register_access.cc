#include "cpu/event/descriptor.h"
#include "cpu/event/segment.h"
#include "cpu/event/system.h"
#include "cpu/exec/operand.h"

// MOV with segment, control and debug registers; LDS and its like; FS and GS base; SWAPGS. SDM
// Vol. 2.
namespace tandem::cpu {
namespace {

SegReg SegmentOperand(const Step& step, size_t index) {
  return static_cast<SegReg>(step.inst->operands[index].reg);
}

template <bool kFromMemory>
Flow MovToSegment(Core& core, const Step& step) {
  u16 selector;
  if constexpr (kFromMemory) {
    if (!LoadMemory(core, step, selector)) {
      return Flow::kFault;
    }
  } else {
    selector = ReadReg<u16>(core, step.src);
  }
  const SegReg reg = SegmentOperand(step, 0);
  if (reg == SegReg::kCs) {
    return core.Raise(Fault::Ud());
  }
  if (const Fault fault = LoadSegment(core, reg, selector)) {
    return core.Raise(fault);
  }
  core.state.mov_ss_shadow = reg == SegReg::kSs;
  return Flow::kEnd;
}

Flow MovSegmentToMemory(Core& core, const Step& step) {
  const u16 selector = core.state.Seg(SegmentOperand(step, 1)).selector;
  return StoreMemory<u16>(core, step, selector) ? Flow::kNext : Flow::kFault;
}

struct MovSegmentToRegister {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    WriteReg<T>(core, step.dst, core.state.Seg(SegmentOperand(step, 1)).selector);
    return Flow::kNext;
  }
};

// LDS, LES, LFS, LGS, LSS: the offset, then the selector.
template <SegReg kReg>
struct LoadFarPointer {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    std::array<std::byte, sizeof(T) + 2> pointer;
    Gva linear;
    if (!MemoryAddress(core, step, sizeof(pointer), AccessKind::kRead, linear)) {
      return Flow::kFault;
    }
    if (const Fault fault = core.mmu.ReadBytes(linear, pointer)) {
      (void)MemoryFault(core, step.segment, fault);
      return Flow::kFault;
    }
    if (const Fault fault = LoadSegment(core, kReg, LoadLe<u16>(&pointer[sizeof(T)]))) {
      return core.Raise(fault);
    }
    WriteReg<T>(core, step.dst, LoadLe<T>(pointer.data()));
    return Flow::kEnd;
  }
};

u64 Cut(const Core& core, u64 value) {
  return core.state.In64BitMode() ? value : static_cast<u32>(value);
}

Flow MovFromControl(Core& core, const Step& step) {
  u64 value;
  if (const Fault fault = ReadControl(core, step.inst->operands[1].reg, value)) {
    return core.Raise(fault);
  }
  WriteReg<u64>(core, step.dst, Cut(core, value));
  return Flow::kNext;
}

Flow MovToControl(Core& core, const Step& step) {
  const u64 value = Cut(core, ReadReg<u64>(core, step.src));
  if (const Fault fault = WriteControl(core, step.inst->operands[0].reg, value)) {
    return core.Raise(fault);
  }
  return Flow::kEnd;
}

Flow MovFromDebug(Core& core, const Step& step) {
  u64 value;
  if (const Fault fault = ReadDebug(core, step.inst->operands[1].reg, value)) {
    return core.Raise(fault);
  }
  WriteReg<u64>(core, step.dst, Cut(core, value));
  return Flow::kNext;
}

Flow MovToDebug(Core& core, const Step& step) {
  const u64 value = Cut(core, ReadReg<u64>(core, step.src));
  if (const Fault fault = WriteDebug(core, step.inst->operands[0].reg, value)) {
    return core.Raise(fault);
  }
  return Flow::kEnd;
}

ExecFn SelectMov(const Inst& inst) {
  const Operand& dst = inst.operands[0];
  const Operand& src = inst.operands[1];
  if (dst.kind == OperandKind::kSegment) {
    return src.IsMemory() ? &MovToSegment<true> : &MovToSegment<false>;
  }
  if (src.kind == OperandKind::kSegment) {
    return dst.IsMemory() ? &MovSegmentToMemory : ByWideSize<MovSegmentToRegister>(dst.size);
  }
  if (dst.kind == OperandKind::kControl || src.kind == OperandKind::kControl) {
    return dst.kind == OperandKind::kControl ? &MovToControl : &MovFromControl;
  }
  if (dst.kind == OperandKind::kDebug || src.kind == OperandKind::kDebug) {
    return dst.kind == OperandKind::kDebug ? &MovToDebug : &MovFromDebug;
  }
  return nullptr;
}

bool FsGsBaseUsable(const Core& core) { return (core.state.cr4 & kCr4Fsgsbase) != 0; }

template <SegReg kReg>
struct ReadBase {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    if (!FsGsBaseUsable(core)) {
      return core.Raise(Fault::Ud());
    }
    WriteReg<T>(core, step.dst, static_cast<T>(core.state.Seg(kReg).base));
    return Flow::kNext;
  }
};

template <SegReg kReg>
struct WriteBase {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    if (!FsGsBaseUsable(core)) {
      return core.Raise(Fault::Ud());
    }
    const u64 base = ReadReg<T>(core, step.dst);
    if (!IsCanonicalBase(core, base)) {
      return core.Raise(Fault::Gp());
    }
    core.state.Seg(kReg).base = base;
    core.segment_base[static_cast<size_t>(kReg)] = base;
    return Flow::kNext;
  }
};

Flow Swapgs(Core& core, const Step&) {
  if (const Fault fault = RequireCpl0(core.state)) {
    return core.Raise(fault);
  }
  u64& base = core.state.Seg(SegReg::kGs).base;
  std::swap(base, core.state.msr.kernel_gs_base);
  core.segment_base[static_cast<size_t>(SegReg::kGs)] = base;
  return Flow::kNext;
}

}  // namespace

ExecFn SelectRegisterAccess(const Inst& inst) {
  const u32 size = inst.operands[0].size;
  switch (inst.op) {
    case Op::kMov:
      return SelectMov(inst);
    case Op::kLds:
      return ByWideSize<LoadFarPointer<SegReg::kDs>>(size);
    case Op::kLes:
      return ByWideSize<LoadFarPointer<SegReg::kEs>>(size);
    case Op::kLfs:
      return ByWideSize<LoadFarPointer<SegReg::kFs>>(size);
    case Op::kLgs:
      return ByWideSize<LoadFarPointer<SegReg::kGs>>(size);
    case Op::kLss:
      return ByWideSize<LoadFarPointer<SegReg::kSs>>(size);
    case Op::kRdfsbase:
      return ByWideSize<ReadBase<SegReg::kFs>>(size);
    case Op::kRdgsbase:
      return ByWideSize<ReadBase<SegReg::kGs>>(size);
    case Op::kWrfsbase:
      return ByWideSize<WriteBase<SegReg::kFs>>(size);
    case Op::kWrgsbase:
      return ByWideSize<WriteBase<SegReg::kGs>>(size);
    case Op::kSwapgs:
      return &Swapgs;
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
