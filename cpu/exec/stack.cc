#include "cpu/exec/stack_access.h"

// PUSH, POP, PUSHA, POPA, ENTER, LEAVE. SDM Vol. 2.
namespace tandem::cpu {
namespace {

struct PushRegister {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    return PushValue<T>(core, step, ReadReg<T>(core, step.dst)) ? Flow::kNext : Flow::kFault;
  }
};

struct PushImmediate {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    return PushValue<T>(core, step, static_cast<T>(step.immediate)) ? Flow::kNext : Flow::kFault;
  }
};

struct PushMemory {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    T value;
    return LoadMemory(core, step, value) && PushValue<T>(core, step, value) ? Flow::kNext
                                                                            : Flow::kFault;
  }
};

// A selector is zero-extended; with 32 bits processors write only the low 16.
struct PushSegment {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    const u16 selector = core.state.seg[step.inst->operands[0].reg].selector;
    if constexpr (sizeof(T) == 4) {
      const u64 rsp = core.state.gpr[kRsp] - 4;
      Gva linear;
      if (!StackAddress(core, step, rsp, 4, AccessKind::kWrite, linear) ||
          !StoreAt<u16>(core, SegReg::kSs, linear, selector)) {
        return Flow::kFault;
      }
      SetStackPointer(core, rsp);
      return Flow::kNext;
    }
    return PushValue<T>(core, step, selector) ? Flow::kNext : Flow::kFault;
  }
};

struct PopRegister {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    T value;
    if (!PeekValue(core, step, 0, value)) {
      return Flow::kFault;
    }
    DropFromStack(core, sizeof(T));
    WriteReg<T>(core, step.dst, value);
    return Flow::kNext;
  }
};

// The address is computed after RSP has moved; it moves back where the store faults.
struct PopMemory {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    T value;
    if (!PeekValue(core, step, 0, value)) {
      return Flow::kFault;
    }
    const u64 rsp = core.state.gpr[kRsp];
    DropFromStack(core, sizeof(T));
    if (!StoreMemory<T>(core, step, value)) {
      core.state.gpr[kRsp] = rsp;
      return Flow::kFault;
    }
    return Flow::kNext;
  }
};

struct PopSegment {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    u16 selector;  // only 16 bits are read
    if (!PeekValue(core, step, 0, selector)) {
      return Flow::kFault;
    }
    const auto reg = static_cast<SegReg>(step.inst->operands[0].reg);
    // Loading SS may change the stack's size: RSP moves by the old one.
    const u64 rsp = core.state.gpr[kRsp];
    DropFromStack(core, sizeof(T));
    if (const Fault fault = LoadSegment(core, reg, selector)) {
      core.state.gpr[kRsp] = rsp;
      return core.Raise(fault);
    }
    core.state.mov_ss_shadow = reg == SegReg::kSs;
    return Flow::kEnd;
  }
};

struct PushAll {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    const u64 rsp = core.state.gpr[kRsp];
    for (u16 reg = 0; reg < 8; ++reg) {
      const T value = reg == kRsp ? static_cast<T>(rsp) : ReadReg<T>(core, reg * 8);
      if (!PushValue<T>(core, step, value)) {
        core.state.gpr[kRsp] = rsp;
        return Flow::kFault;
      }
    }
    return Flow::kNext;
  }
};

struct PopAll {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    std::array<T, 8> values{};
    for (u16 i = 0; i < 8; ++i) {
      if (!PeekValue(core, step, i * sizeof(T), values[i])) {
        return Flow::kFault;
      }
    }
    DropFromStack(core, 8 * sizeof(T));
    for (u16 i = 0; i < 8; ++i) {
      const u16 reg = 7 - i;
      if (reg != kRsp) {
        WriteReg<T>(core, reg * 8, values[i]);
      }
    }
    return Flow::kNext;
  }
};

// ENTER's copies of outer frame pointers.
template <typename T>
bool PushFrames(Core& core, const Step& step, u32 level) {
  const u64 mask = StackMask(core);
  u64 rbp = core.state.gpr[kRbp];
  for (u32 i = 1; i < level; ++i) {
    rbp -= sizeof(T);
    Gva linear;
    T value;
    if (!StackAddress(core, step, rbp & mask, sizeof(T), AccessKind::kRead, linear) ||
        !LoadAt<T>(core, SegReg::kSs, linear, value) || !PushValue<T>(core, step, value)) {
      return false;
    }
  }
  return true;
}

struct Enter {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    const u64 old_rsp = core.state.gpr[kRsp];
    const u32 level = step.inst->immediate2 % 32;
    const auto fail = [&] {
      core.state.gpr[kRsp] = old_rsp;
      return Flow::kFault;
    };
    if (!PushValue<T>(core, step, ReadReg<T>(core, kRbp * 8))) {
      return fail();
    }
    const u64 frame = core.state.gpr[kRsp];
    if (level > 0 &&
        (!PushFrames<T>(core, step, level) || !PushValue<T>(core, step, static_cast<T>(frame)))) {
      return fail();
    }
    const u64 rsp = core.state.gpr[kRsp] - static_cast<u16>(step.immediate);
    // The manual checks that the new top of the stack can be written.
    Gva linear;
    if (!StackAddress(core, step, rsp, sizeof(T), AccessKind::kWrite, linear)) {
      return fail();
    }
    if (const Fault fault = core.mmu.Probe(linear, sizeof(T), AccessKind::kWrite)) {
      (void)MemoryFault(core, SegReg::kSs, fault);
      return fail();
    }
    SetStackPointer(core, rsp);
    if (core.stack_size == 2) {
      WriteReg<u16>(core, kRbp * 8, static_cast<u16>(frame));
    } else {
      WriteReg<T>(core, kRbp * 8, static_cast<T>(frame));
    }
    return Flow::kNext;
  }
};

struct Leave {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    const u64 frame = core.state.gpr[kRbp] & StackMask(core);
    Gva linear;
    T value;
    if (!StackAddress(core, step, frame, sizeof(T), AccessKind::kRead, linear) ||
        !LoadAt<T>(core, SegReg::kSs, linear, value)) {
      return Flow::kFault;
    }
    SetStackPointer(core, frame + sizeof(T));
    WriteReg<T>(core, kRbp * 8, value);
    return Flow::kNext;
  }
};

ExecFn SelectPush(const Inst& inst) {
  const u32 size = inst.operand_size;
  switch (inst.operands[0].kind) {
    case OperandKind::kMemory:
      return ByWideSize<PushMemory>(size);
    case OperandKind::kImmediate:
      return ByWideSize<PushImmediate>(size);
    case OperandKind::kSegment:
      return ByWideSize<PushSegment>(size);
    default:
      return ByWideSize<PushRegister>(size);
  }
}

ExecFn SelectPop(const Inst& inst) {
  const u32 size = inst.operand_size;
  switch (inst.operands[0].kind) {
    case OperandKind::kMemory:
      return ByWideSize<PopMemory>(size);
    case OperandKind::kSegment:
      return ByWideSize<PopSegment>(size);
    default:
      return ByWideSize<PopRegister>(size);
  }
}

}  // namespace

ExecFn SelectStack(const Inst& inst) {
  switch (inst.op) {
    case Op::kPush:
      return SelectPush(inst);
    case Op::kPop:
      return SelectPop(inst);
    case Op::kPusha:
      return ByWideSize<PushAll>(inst.operand_size);
    case Op::kPopa:
      return ByWideSize<PopAll>(inst.operand_size);
    case Op::kEnter:
      return ByWideSize<Enter>(inst.operand_size);
    case Op::kLeave:
      return ByWideSize<Leave>(inst.operand_size);
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
