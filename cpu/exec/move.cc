#include <type_traits>
#include <utility>

#include "cpu/exec/flags.h"
#include "cpu/exec/operand.h"

// MOV and its like between general registers and memory; LEA, CMOVcc, SETcc, extensions. SDM
// Vol. 2.
namespace tandem::cpu {
namespace {

template <Form kForm>
struct Mov {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    if constexpr (kForm == Form::kMemReg || kForm == Form::kMemImm) {
      T value;
      (void)ReadSource<T, kForm == Form::kMemImm ? Form::kRegImm : Form::kRegReg>(core, step,
                                                                                  value);
      return StoreMemory<T>(core, step, value) ? Flow::kNext : Flow::kFault;
    } else {
      T value;
      if (!ReadSource<T, kForm>(core, step, value)) {
        return Flow::kFault;
      }
      WriteReg<T>(core, step.dst, value);
      return Flow::kNext;
    }
  }
};

ExecFn SelectMov(const Inst& inst) {
  const auto is_general = [](const Operand& operand) {
    return operand.IsRegister() || operand.IsMemory() || operand.kind == OperandKind::kImmediate;
  };
  if (!is_general(inst.operands[0]) || !is_general(inst.operands[1])) {
    return nullptr;  // segment, control and debug registers
  }
  const u32 size = inst.operands[0].size;
  switch (FormOf(inst)) {
    case Form::kRegReg:
      return BySize<Mov<Form::kRegReg>>(size);
    case Form::kRegMem:
      return BySize<Mov<Form::kRegMem>>(size);
    case Form::kRegImm:
      return BySize<Mov<Form::kRegImm>>(size);
    case Form::kMemReg:
      return BySize<Mov<Form::kMemReg>>(size);
    default:
      return BySize<Mov<Form::kMemImm>>(size);
  }
}

template <typename From, bool kSigned, Form kForm>
struct Extend {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    From value;
    if (!ReadSource<From, kForm>(core, step, value)) {
      return Flow::kFault;
    }
    if constexpr (kSigned) {
      WriteReg<T>(core, step.dst, static_cast<T>(static_cast<std::make_signed_t<From>>(value)));
    } else {
      WriteReg<T>(core, step.dst, static_cast<T>(value));
    }
    return Flow::kNext;
  }
};

template <typename From, bool kSigned>
ExecFn SelectExtend(const Inst& inst) {
  const u32 size = inst.operands[0].size;
  return inst.operands[1].IsMemory() ? ByWideSize<Extend<From, kSigned, Form::kRegMem>>(size)
                                     : ByWideSize<Extend<From, kSigned, Form::kRegReg>>(size);
}

template <bool kSigned>
ExecFn SelectExtendFrom(const Inst& inst) {
  switch (inst.operands[1].size) {
    case 1:
      return SelectExtend<u8, kSigned>(inst);
    case 2:
      return SelectExtend<u16, kSigned>(inst);
    default:
      return SelectExtend<u32, kSigned>(inst);
  }
}

struct Lea {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    WriteReg<T>(core, step.dst, static_cast<T>(EffectiveAddress(core, step)));
    return Flow::kNext;
  }
};

// The memory operand is read whether the condition holds or not; 32 bits are cleared above in both
// cases.
template <Form kForm>
struct Cmov {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    T value;
    if (!ReadSource<T, kForm>(core, step, value)) {
      return Flow::kFault;
    }
    const bool holds = ConditionHolds(core.state.rflags, step.condition);
    WriteReg<T>(core, step.dst, holds ? value : ReadReg<T>(core, step.dst));
    return Flow::kNext;
  }
};

Flow SetRegister(Core& core, const Step& step) {
  WriteReg<u8>(core, step.dst, ConditionHolds(core.state.rflags, step.condition) ? 1 : 0);
  return Flow::kNext;
}

Flow SetMemory(Core& core, const Step& step) {
  const u8 value = ConditionHolds(core.state.rflags, step.condition) ? 1 : 0;
  return StoreMemory<u8>(core, step, value) ? Flow::kNext : Flow::kFault;
}

template <typename T>
T SwapBytes(T value) {
  if constexpr (sizeof(T) == 2) {
    return __builtin_bswap16(value);
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_bswap32(value);
  } else {
    return __builtin_bswap64(value);
  }
}

struct Bswap {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    if constexpr (sizeof(T) == 2) {
      WriteReg<u16>(core, step.dst, 0);  // undefined by the manual; processors give zero
    } else {
      WriteReg<T>(core, step.dst, SwapBytes(ReadReg<T>(core, step.dst)));
    }
    return Flow::kNext;
  }
};

struct MovbeLoad {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    T value;
    if (!LoadMemory(core, step, value)) {
      return Flow::kFault;
    }
    WriteReg<T>(core, step.dst, SwapBytes(value));
    return Flow::kNext;
  }
};

struct MovbeStore {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    return StoreMemory<T>(core, step, SwapBytes(ReadReg<T>(core, step.src))) ? Flow::kNext
                                                                             : Flow::kFault;
  }
};

// CBW, CWDE, CDQE: From is half of T.
template <typename T, typename From>
Flow ExtendAccumulator(Core& core, const Step&) {
  const From half = ReadReg<From>(core, kRax * 8);
  WriteReg<T>(core, kRax * 8, static_cast<T>(static_cast<std::make_signed_t<From>>(half)));
  return Flow::kNext;
}

// CWD, CDQ, CQO.
template <typename T>
Flow SignIntoDx(Core& core, const Step&) {
  const bool negative = (ReadReg<T>(core, kRax * 8) >> (sizeof(T) * 8 - 1)) != 0;
  WriteReg<T>(core, kRdx * 8, negative ? static_cast<T>(~T{0}) : T{0});
  return Flow::kNext;
}

Flow Xlat(Core& core, const Step& step) {
  u64 offset = core.state.gpr[kRbx] + ReadReg<u8>(core, kRax * 8);
  if (step.address_size != 8) {
    offset &= step.address_size == 4 ? 0xffffffff : 0xffff;
  }
  Gva linear = Linear(core, step.segment, offset);
  if (step.check_segment &&
      !LinearChecked(core, step.segment, offset, 1, AccessKind::kRead, linear)) {
    return Flow::kFault;
  }
  u8 value;
  if (!LoadAt(core, step.segment, linear, value)) {
    return Flow::kFault;
  }
  WriteReg<u8>(core, kRax * 8, value);
  return Flow::kNext;
}

}  // namespace

ExecFn SelectMove(const Inst& inst) {
  const u32 size = inst.operands[0].size;
  const bool from_memory = inst.operands[1].IsMemory();
  switch (inst.op) {
    case Op::kMov:
    case Op::kMovnti:
      return SelectMov(inst);
    case Op::kMovzx:
      return SelectExtendFrom<false>(inst);
    case Op::kMovsx:
    case Op::kMovsxd:
      return SelectExtendFrom<true>(inst);
    case Op::kLea:
      return ByWideSize<Lea>(size);
    case Op::kCmovcc:
      return from_memory ? ByWideSize<Cmov<Form::kRegMem>>(size)
                         : ByWideSize<Cmov<Form::kRegReg>>(size);
    case Op::kSetcc:
      return inst.operands[0].IsMemory() ? &SetMemory : &SetRegister;
    case Op::kBswap:
      return ByWideSize<Bswap>(size);
    case Op::kMovbe:
      return from_memory ? ByWideSize<MovbeLoad>(size) : ByWideSize<MovbeStore>(size);
    case Op::kCbw:
      return &ExtendAccumulator<u16, u8>;
    case Op::kCwde:
      return &ExtendAccumulator<u32, u16>;
    case Op::kCdqe:
      return &ExtendAccumulator<u64, u32>;
    case Op::kCwd:
      return &SignIntoDx<u16>;
    case Op::kCdq:
      return &SignIntoDx<u32>;
    case Op::kCqo:
      return &SignIntoDx<u64>;
    case Op::kXlat:
      return &Xlat;
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
