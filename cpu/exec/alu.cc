#include "cpu/exec/break_flag.h"
#include "cpu/exec/flags.h"
#include "cpu/exec/operand.h"

// ADD, OR, ADC, SBB, AND, SUB, XOR, CMP, TEST, INC, DEC, NEG, NOT. SDM Vol. 2.
namespace tandem::cpu {
namespace {

enum class Alu : u8 { kAdd, kOr, kAdc, kSbb, kAnd, kSub, kXor, kCmp, kTest };
enum class Unary : u8 { kInc, kDec, kNeg, kNot };

constexpr bool WritesResult(Alu op) { return op != Alu::kCmp && op != Alu::kTest; }

// The carry in comes from bit 0 of carry; the host's suffix follows from the operands' type.
#define TANDEM_ALU(name, destination)           \
  asm volatile("btl $0, %k[carry]\n\t" name     \
               " %[b], %[a]\n\t"                \
               "lahf\n\tseto %%al"              \
               : [a] destination, "=&a"(ax)     \
               : [b] "r"(b), [carry] "r"(carry) \
               : "cc", "memory")

// Applies op to a (a register variable or guest memory in place), giving the new flags.
template <Alu kOp, typename T>
u64 Apply(T& a, T b, u64 rflags) {
  u32 ax = 0;
  const u32 carry = static_cast<u32>(rflags);
  if constexpr (kOp == Alu::kAdd) {
    TANDEM_ALU("add", "+&r"(a));
  } else if constexpr (kOp == Alu::kOr) {
    TANDEM_ALU("or", "+&r"(a));
  } else if constexpr (kOp == Alu::kAdc) {
    TANDEM_ALU("adc", "+&r"(a));
  } else if constexpr (kOp == Alu::kSbb) {
    TANDEM_ALU("sbb", "+&r"(a));
  } else if constexpr (kOp == Alu::kAnd) {
    TANDEM_ALU("and", "+&r"(a));
  } else if constexpr (kOp == Alu::kSub) {
    TANDEM_ALU("sub", "+&r"(a));
  } else if constexpr (kOp == Alu::kXor) {
    TANDEM_ALU("xor", "+&r"(a));
  } else if constexpr (kOp == Alu::kCmp) {
    TANDEM_ALU("cmp", "+&r"(a));
  } else {
    TANDEM_ALU("test", "+&r"(a));
  }
  if constexpr (kBreaksFlag && kOp == Alu::kSbb) {
    return FlagsFromAx(ax) ^ ((b & 0xf) == 0xf && (carry & kFlagCf) != 0 ? kFlagAf : 0);
  }
  return FlagsFromAx(ax);
}

template <Alu kOp, typename T>
u64 ApplyLocked(T* a, T b, u64 rflags) {
  u32 ax = 0;
  const u32 carry = static_cast<u32>(rflags);
  if constexpr (kOp == Alu::kAdd) {
    TANDEM_ALU("lock add", "+m"(*a));
  } else if constexpr (kOp == Alu::kOr) {
    TANDEM_ALU("lock or", "+m"(*a));
  } else if constexpr (kOp == Alu::kAdc) {
    TANDEM_ALU("lock adc", "+m"(*a));
  } else if constexpr (kOp == Alu::kSbb) {
    TANDEM_ALU("lock sbb", "+m"(*a));
  } else if constexpr (kOp == Alu::kAnd) {
    TANDEM_ALU("lock and", "+m"(*a));
  } else if constexpr (kOp == Alu::kSub) {
    TANDEM_ALU("lock sub", "+m"(*a));
  } else {
    TANDEM_ALU("lock xor", "+m"(*a));
  }
  return FlagsFromAx(ax);
}
#undef TANDEM_ALU

template <Alu kOp, Form kForm>
struct ToRegister {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    T b;
    if (!ReadSource<T, kForm>(core, step, b)) {
      return Flow::kFault;
    }
    T a = ReadReg<T>(core, step.dst);
    SetArithFlags(core, Apply<kOp, T>(a, b, core.state.rflags));
    if constexpr (WritesResult(kOp)) {
      WriteReg<T>(core, step.dst, a);
    }
    return Flow::kNext;
  }
};

template <Alu kOp, Form kForm>
struct ToMemory {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    T b;
    (void)ReadSource<T, kForm == Form::kMemImm ? Form::kRegImm : Form::kRegReg>(core, step, b);
    if constexpr (!WritesResult(kOp)) {
      T a;
      if (!LoadMemory(core, step, a)) {
        return Flow::kFault;
      }
      SetArithFlags(core, Apply<kOp, T>(a, b, core.state.rflags));
      return Flow::kNext;
    }
    MemoryUpdate<T> memory;
    if (!memory.Begin(core, step)) {
      return Flow::kFault;
    }
    T a = memory.value();
    const u64 flags = Apply<kOp, T>(a, b, core.state.rflags);
    if (!memory.Commit(core, a)) {
      return Flow::kFault;
    }
    SetArithFlags(core, flags);
    return Flow::kNext;
  }
};

template <Alu kOp, Form kForm>
struct ToLockedMemory {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    T b;
    (void)ReadSource<T, kForm == Form::kMemImm ? Form::kRegImm : Form::kRegReg>(core, step, b);
    MemoryUpdate<T> memory;
    if (!memory.Begin(core, step)) {
      return Flow::kFault;
    }
    if (memory.host() == nullptr) {
      return ToMemory<kOp, kForm>::template Run<T>(core, step);
    }
    SetArithFlags(core, ApplyLocked<kOp, T>(memory.host(), b, core.state.rflags));
    return Flow::kNext;
  }
};

// CMP and TEST may not have a LOCK prefix: the decoder has refused it.
template <Alu kOp, Form kForm>
ExecFn MemoryForm(const Inst& inst) {
  if constexpr (WritesResult(kOp)) {
    if (inst.has_lock) {
      return BySize<ToLockedMemory<kOp, kForm>>(inst.operands[0].size);
    }
  }
  return BySize<ToMemory<kOp, kForm>>(inst.operands[0].size);
}

template <Alu kOp>
ExecFn SelectForm(const Inst& inst) {
  const u32 size = inst.operands[0].size;
  switch (FormOf(inst)) {
    case Form::kRegReg:
      return BySize<ToRegister<kOp, Form::kRegReg>>(size);
    case Form::kRegMem:
      return BySize<ToRegister<kOp, Form::kRegMem>>(size);
    case Form::kRegImm:
      return BySize<ToRegister<kOp, Form::kRegImm>>(size);
    case Form::kMemReg:
      return MemoryForm<kOp, Form::kMemReg>(inst);
    default:
      return MemoryForm<kOp, Form::kMemImm>(inst);
  }
}

#define TANDEM_UNARY(name, operand)                                      \
  asm volatile("btl $0, %k[carry]\n\t" name " %[a]\n\tlahf\n\tseto %%al" \
               : [a] operand, "=&a"(ax)                                  \
               : [carry] "r"(carry)                                      \
               : "cc", "memory")

template <Unary kOp, typename T>
u64 ApplyUnary(T& a, u64 rflags) {
  u32 ax = 0;
  const u32 carry = static_cast<u32>(rflags);
  if constexpr (sizeof(T) == 1) {
    if constexpr (kOp == Unary::kInc) {
      TANDEM_UNARY("incb", "+&r"(a));
    } else if constexpr (kOp == Unary::kDec) {
      TANDEM_UNARY("decb", "+&r"(a));
    } else {
      TANDEM_UNARY("negb", "+&r"(a));
    }
  } else {
    if constexpr (kOp == Unary::kInc) {
      TANDEM_UNARY("inc", "+&r"(a));
    } else if constexpr (kOp == Unary::kDec) {
      TANDEM_UNARY("dec", "+&r"(a));
    } else {
      TANDEM_UNARY("neg", "+&r"(a));
    }
  }
  return FlagsFromAx(ax);
}
#undef TANDEM_UNARY

// One step of a read-modify-write: the new value and flags. NOT changes no flag.
template <Unary kOp, typename T>
T UnaryResult(T a, u64 rflags, u64& flags) {
  if constexpr (kOp == Unary::kNot) {
    flags = rflags;
    return static_cast<T>(~a);
  } else {
    flags = ApplyUnary<kOp, T>(a, rflags);
    return a;
  }
}

template <Unary kOp>
struct UnaryRegister {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    u64 flags;
    WriteReg<T>(core, step.dst,
                UnaryResult<kOp, T>(ReadReg<T>(core, step.dst), core.state.rflags, flags));
    SetArithFlags(core, flags);
    return Flow::kNext;
  }
};

template <Unary kOp>
struct UnaryMemory {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    MemoryUpdate<T> memory;
    if (!memory.Begin(core, step)) {
      return Flow::kFault;
    }
    u64 flags;
    if (!memory.Commit(core, UnaryResult<kOp, T>(memory.value(), core.state.rflags, flags))) {
      return Flow::kFault;
    }
    SetArithFlags(core, flags);
    return Flow::kNext;
  }
};

template <Unary kOp>
struct UnaryLocked {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    MemoryUpdate<T> memory;
    if (!memory.Begin(core, step)) {
      return Flow::kFault;
    }
    if (memory.host() == nullptr) {
      return UnaryMemory<kOp>::template Run<T>(core, step);
    }
    u64 flags;
    T expected = memory.value();
    while (!__atomic_compare_exchange_n(memory.host(), &expected,
                                        UnaryResult<kOp, T>(expected, core.state.rflags, flags),
                                        /*weak=*/true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
    SetArithFlags(core, flags);
    return Flow::kNext;
  }
};

template <Unary kOp>
ExecFn SelectUnary(const Inst& inst) {
  const Operand& dst = inst.operands[0];
  if (!dst.IsMemory()) {
    return BySize<UnaryRegister<kOp>>(dst.size);
  }
  return inst.has_lock ? BySize<UnaryLocked<kOp>>(dst.size) : BySize<UnaryMemory<kOp>>(dst.size);
}

}  // namespace

ExecFn SelectAlu(const Inst& inst) {
  switch (inst.op) {
    case Op::kAdd:
      return SelectForm<Alu::kAdd>(inst);
    case Op::kOr:
      return SelectForm<Alu::kOr>(inst);
    case Op::kAdc:
      return SelectForm<Alu::kAdc>(inst);
    case Op::kSbb:
      return SelectForm<Alu::kSbb>(inst);
    case Op::kAnd:
      return SelectForm<Alu::kAnd>(inst);
    case Op::kSub:
      return SelectForm<Alu::kSub>(inst);
    case Op::kXor:
      return SelectForm<Alu::kXor>(inst);
    case Op::kCmp:
      return SelectForm<Alu::kCmp>(inst);
    case Op::kTest:
      return SelectForm<Alu::kTest>(inst);
    case Op::kInc:
      return SelectUnary<Unary::kInc>(inst);
    case Op::kDec:
      return SelectUnary<Unary::kDec>(inst);
    case Op::kNeg:
      return SelectUnary<Unary::kNeg>(inst);
    case Op::kNot:
      return SelectUnary<Unary::kNot>(inst);
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
