#include "cpu/exec/flags.h"
#include "cpu/exec/operand.h"

// ROL, ROR, RCL, RCR, SHL, SHR, SAR, SHLD, SHRD. SDM Vol. 2.
namespace tandem::cpu {
namespace {

enum class Shift : u8 { kRol, kRor, kRcl, kRcr, kShl, kShr, kSar };

// The guest's flags are loaded first: carry goes in, and what the host leaves alone stays.
#define TANDEM_SHIFT(name, suffix)                       \
  asm volatile("addb $127, %%al\n\tsahf\n\t" name suffix \
               " %%cl, %[a]\n\t"                         \
               "lahf\n\tseto %%al"                       \
               : [a] "+&r"(a), "+&a"(ax)                 \
               : "c"(count)                              \
               : "cc")

template <typename T>
constexpr char kSuffix = sizeof(T) == 1   ? 'b'
                         : sizeof(T) == 2 ? 'w'
                         : sizeof(T) == 4 ? 'l'
                                          : 'q';

#define TANDEM_SHIFT_SIZES(name)              \
  do {                                        \
    if constexpr (kSuffix<T> == 'b') {        \
      TANDEM_SHIFT(name, "b");                \
    } else if constexpr (kSuffix<T> == 'w') { \
      TANDEM_SHIFT(name, "w");                \
    } else if constexpr (kSuffix<T> == 'l') { \
      TANDEM_SHIFT(name, "l");                \
    } else {                                  \
      TANDEM_SHIFT(name, "q");                \
    }                                         \
  } while (false)

template <Shift kOp, typename T>
T Apply(T a, u8 count, u64& rflags) {
  u32 ax = AxFromFlags(rflags);
  if constexpr (kOp == Shift::kRol) {
    TANDEM_SHIFT_SIZES("rol");
  } else if constexpr (kOp == Shift::kRor) {
    TANDEM_SHIFT_SIZES("ror");
  } else if constexpr (kOp == Shift::kRcl) {
    TANDEM_SHIFT_SIZES("rcl");
  } else if constexpr (kOp == Shift::kRcr) {
    TANDEM_SHIFT_SIZES("rcr");
  } else if constexpr (kOp == Shift::kShl) {
    TANDEM_SHIFT_SIZES("shl");
  } else if constexpr (kOp == Shift::kShr) {
    TANDEM_SHIFT_SIZES("shr");
  } else {
    TANDEM_SHIFT_SIZES("sar");
  }
  rflags = (rflags & ~kArithFlags) | FlagsFromAx(ax);
  return a;
}
#undef TANDEM_SHIFT_SIZES
#undef TANDEM_SHIFT

// The count is the immediate or CL.
template <bool kImmediate>
u8 Count(const Core& core, const Step& step) {
  return static_cast<u8>(kImmediate ? step.immediate : core.state.gpr[kRcx]);
}

template <Shift kOp, bool kImmediate>
struct ShiftRegister {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    const T result =
        Apply<kOp, T>(ReadReg<T>(core, step.dst), Count<kImmediate>(core, step), core.state.rflags);
    WriteReg<T>(core, step.dst, result);
    return Flow::kNext;
  }
};

template <Shift kOp, bool kImmediate>
struct ShiftMemory {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    MemoryUpdate<T> memory;
    if (!memory.Begin(core, step)) {
      return Flow::kFault;
    }
    u64 rflags = core.state.rflags;
    const T result = Apply<kOp, T>(memory.value(), Count<kImmediate>(core, step), rflags);
    if (!memory.Commit(core, result)) {
      return Flow::kFault;
    }
    core.state.rflags = rflags;
    return Flow::kNext;
  }
};

template <Shift kOp>
ExecFn SelectForm(const Inst& inst) {
  const Operand& dst = inst.operands[0];
  const bool by_immediate = inst.operands[1].kind == OperandKind::kImmediate;
  if (dst.IsMemory()) {
    return by_immediate ? BySize<ShiftMemory<kOp, true>>(dst.size)
                        : BySize<ShiftMemory<kOp, false>>(dst.size);
  }
  return by_immediate ? BySize<ShiftRegister<kOp, true>>(dst.size)
                      : BySize<ShiftRegister<kOp, false>>(dst.size);
}

// SHLD and SHRD.
template <bool kLeft, typename T>
T ApplyDouble(T a, T b, u8 count, u64& rflags) {
  u32 ax = AxFromFlags(rflags);
  if constexpr (kLeft) {
    asm volatile("addb $127, %%al\n\tsahf\n\tshld %%cl, %[b], %[a]\n\tlahf\n\tseto %%al"
                 : [a] "+&r"(a), "+&a"(ax)
                 : [b] "r"(b), "c"(count)
                 : "cc");
  } else {
    asm volatile("addb $127, %%al\n\tsahf\n\tshrd %%cl, %[b], %[a]\n\tlahf\n\tseto %%al"
                 : [a] "+&r"(a), "+&a"(ax)
                 : [b] "r"(b), "c"(count)
                 : "cc");
  }
  rflags = (rflags & ~kArithFlags) | FlagsFromAx(ax);
  return a;
}

template <bool kLeft, bool kImmediate>
struct DoubleRegister {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    const T result = ApplyDouble<kLeft, T>(ReadReg<T>(core, step.dst), ReadReg<T>(core, step.src),
                                           Count<kImmediate>(core, step), core.state.rflags);
    WriteReg<T>(core, step.dst, result);
    return Flow::kNext;
  }
};

template <bool kLeft, bool kImmediate>
struct DoubleMemory {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    MemoryUpdate<T> memory;
    if (!memory.Begin(core, step)) {
      return Flow::kFault;
    }
    u64 rflags = core.state.rflags;
    const T result = ApplyDouble<kLeft, T>(memory.value(), ReadReg<T>(core, step.src),
                                           Count<kImmediate>(core, step), rflags);
    if (!memory.Commit(core, result)) {
      return Flow::kFault;
    }
    core.state.rflags = rflags;
    return Flow::kNext;
  }
};

template <bool kLeft>
ExecFn SelectDouble(const Inst& inst) {
  const Operand& dst = inst.operands[0];
  const bool by_immediate = inst.operands[2].kind == OperandKind::kImmediate;
  if (dst.IsMemory()) {
    return by_immediate ? ByWideSize<DoubleMemory<kLeft, true>>(dst.size)
                        : ByWideSize<DoubleMemory<kLeft, false>>(dst.size);
  }
  return by_immediate ? ByWideSize<DoubleRegister<kLeft, true>>(dst.size)
                      : ByWideSize<DoubleRegister<kLeft, false>>(dst.size);
}

}  // namespace

ExecFn SelectShift(const Inst& inst) {
  switch (inst.op) {
    case Op::kRol:
      return SelectForm<Shift::kRol>(inst);
    case Op::kRor:
      return SelectForm<Shift::kRor>(inst);
    case Op::kRcl:
      return SelectForm<Shift::kRcl>(inst);
    case Op::kRcr:
      return SelectForm<Shift::kRcr>(inst);
    case Op::kShl:
      return SelectForm<Shift::kShl>(inst);
    case Op::kShr:
      return SelectForm<Shift::kShr>(inst);
    case Op::kSar:
      return SelectForm<Shift::kSar>(inst);
    case Op::kShld:
      return SelectDouble<true>(inst);
    case Op::kShrd:
      return SelectDouble<false>(inst);
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
