#include "cpu/exec/flags.h"
#include "cpu/exec/operand.h"

// XCHG, XADD, CMPXCHG, CMPXCHG8B, CMPXCHG16B. XCHG with memory is always locked. SDM Vol. 2.
namespace tandem::cpu {
namespace {

// The flags of CMP a, b.
template <typename T>
void SetCompareFlags(Core& core, T a, T b) {
  u32 ax = 0;
  asm volatile("cmp %[b], %[a]\n\tlahf\n\tseto %%al" : "=&a"(ax) : [a] "r"(a), [b] "r"(b) : "cc");
  SetArithFlags(core, FlagsFromAx(ax));
}

struct XchgRegister {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    const T a = ReadReg<T>(core, step.dst);
    const T b = ReadReg<T>(core, step.src);
    WriteReg<T>(core, step.dst, b);
    WriteReg<T>(core, step.src, a);
    return Flow::kNext;
  }
};

// The register is operand kReg: XCHG may name it first or second.
template <bool kRegisterFirst>
struct XchgMemory {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    const u16 reg = kRegisterFirst ? step.dst : step.src;
    MemoryUpdate<T> memory;
    if (!memory.Begin(core, step)) {
      return Flow::kFault;
    }
    const T b = ReadReg<T>(core, reg);
    T old = memory.value();
    if (memory.host() != nullptr) {
      old = __atomic_exchange_n(memory.host(), b, __ATOMIC_SEQ_CST);
    } else if (!memory.Commit(core, b)) {
      return Flow::kFault;
    }
    WriteReg<T>(core, reg, old);
    return Flow::kNext;
  }
};

template <typename T>
void SetAddFlags(Core& core, T a, T b) {
  u32 ax = 0;
  asm volatile("add %[b], %[a]\n\tlahf\n\tseto %%al" : [a] "+&r"(a), "=&a"(ax) : [b] "r"(b) : "cc");
  SetArithFlags(core, FlagsFromAx(ax));
}

struct XaddRegister {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    const T a = ReadReg<T>(core, step.dst);
    const T b = ReadReg<T>(core, step.src);
    SetAddFlags<T>(core, a, b);
    WriteReg<T>(core, step.src, a);
    WriteReg<T>(core, step.dst, static_cast<T>(a + b));
    return Flow::kNext;
  }
};

template <bool kLocked>
struct XaddMemory {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    MemoryUpdate<T> memory;
    if (!memory.Begin(core, step)) {
      return Flow::kFault;
    }
    const T b = ReadReg<T>(core, step.src);
    T old = memory.value();
    if (kLocked && memory.host() != nullptr) {
      old = __atomic_fetch_add(memory.host(), b, __ATOMIC_SEQ_CST);
    } else if (!memory.Commit(core, static_cast<T>(old + b))) {
      return Flow::kFault;
    }
    SetAddFlags<T>(core, old, b);
    WriteReg<T>(core, step.src, old);
    return Flow::kNext;
  }
};

struct CmpxchgRegister {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    const T accumulator = ReadReg<T>(core, kRax * 8);
    const T old = ReadReg<T>(core, step.dst);
    SetCompareFlags<T>(core, accumulator, old);
    if (accumulator == old) {
      WriteReg<T>(core, step.dst, ReadReg<T>(core, step.src));
    } else {
      WriteReg<T>(core, kRax * 8, old);
    }
    return Flow::kNext;
  }
};

// Memory is written in both cases: with its old value where the comparison fails.
template <bool kLocked>
struct CmpxchgMemory {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    MemoryUpdate<T> memory;
    if (!memory.Begin(core, step)) {
      return Flow::kFault;
    }
    const T accumulator = ReadReg<T>(core, kRax * 8);
    const T desired = ReadReg<T>(core, step.src);
    T old = memory.value();
    if (kLocked && memory.host() != nullptr) {
      old = accumulator;
      __atomic_compare_exchange_n(memory.host(), &old, desired, false, __ATOMIC_SEQ_CST,
                                  __ATOMIC_SEQ_CST);
    } else if (!memory.Commit(core, accumulator == old ? desired : old)) {
      return Flow::kFault;
    }
    SetCompareFlags<T>(core, accumulator, old);
    if (accumulator != old) {
      WriteReg<T>(core, kRax * 8, old);
    }
    return Flow::kNext;
  }
};

void SetZero(Core& core, bool zero) { SetArithFlags(core, zero ? kFlagZf : 0, kFlagZf); }

Flow Cmpxchg8b(Core& core, const Step& step) {
  MemoryUpdate<u64> memory;
  if (!memory.Begin(core, step)) {
    return Flow::kFault;
  }
  auto& gpr = core.state.gpr;
  const u64 expected = (gpr[kRdx] << 32) | static_cast<u32>(gpr[kRax]);
  const u64 desired = (gpr[kRcx] << 32) | static_cast<u32>(gpr[kRbx]);
  u64 old = memory.value();
  if (memory.host() != nullptr) {
    old = expected;
    __atomic_compare_exchange_n(memory.host(), &old, desired, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
  } else if (!memory.Commit(core, old == expected ? desired : old)) {
    return Flow::kFault;
  }
  SetZero(core, old == expected);
  if (old != expected) {
    gpr[kRax] = static_cast<u32>(old);
    gpr[kRdx] = old >> 32;
  }
  return Flow::kNext;
}

struct alignas(16) Pair {
  u64 low, high;
  bool operator==(const Pair&) const = default;
};

// Returns whether it was equal; old receives what memory held. to is 16-byte aligned.
bool CompareExchange16(Pair* to, Pair& old, Pair desired) {
  bool equal;
  asm volatile("lock cmpxchg16b %[to]"
               : [to] "+m"(*to), "+a"(old.low), "+d"(old.high), "=@ccz"(equal)
               : "b"(desired.low), "c"(desired.high)
               : "memory");
  return equal;
}

Flow Cmpxchg16b(Core& core, const Step& step) {
  Gva linear;
  if (!MemoryAddress(core, step, sizeof(Pair), AccessKind::kWrite, linear)) {
    return Flow::kFault;
  }
  if (linear.value % sizeof(Pair) != 0) {
    return core.Raise(Fault::Gp());
  }
  MemoryUpdate<Pair> memory;
  if (!memory.BeginAt(core, step.segment, linear)) {
    return Flow::kFault;
  }
  auto& gpr = core.state.gpr;
  const Pair expected{gpr[kRax], gpr[kRdx]};
  const Pair desired{gpr[kRbx], gpr[kRcx]};
  Pair old = memory.value();
  bool equal = old == expected;
  if (memory.host() != nullptr) {
    old = expected;
    equal = CompareExchange16(memory.host(), old, desired);
  } else if (!memory.Commit(core, equal ? desired : old)) {
    return Flow::kFault;
  }
  SetZero(core, equal);
  if (!equal) {
    gpr[kRax] = old.low;
    gpr[kRdx] = old.high;
  }
  return Flow::kNext;
}

ExecFn SelectXchg(const Inst& inst) {
  const u32 size = inst.operands[0].size;
  if (inst.operands[0].IsMemory()) {
    return BySize<XchgMemory<false>>(size);
  }
  return inst.operands[1].IsMemory() ? BySize<XchgMemory<true>>(size) : BySize<XchgRegister>(size);
}

}  // namespace

ExecFn SelectExchange(const Inst& inst) {
  const Operand& dst = inst.operands[0];
  switch (inst.op) {
    case Op::kXchg:
      return SelectXchg(inst);
    case Op::kXadd:
      return !dst.IsMemory() ? BySize<XaddRegister>(dst.size)
             : inst.has_lock ? BySize<XaddMemory<true>>(dst.size)
                             : BySize<XaddMemory<false>>(dst.size);
    case Op::kCmpxchg:
      return !dst.IsMemory() ? BySize<CmpxchgRegister>(dst.size)
             : inst.has_lock ? BySize<CmpxchgMemory<true>>(dst.size)
                             : BySize<CmpxchgMemory<false>>(dst.size);
    case Op::kCmpxchg8b:
      return &Cmpxchg8b;
    case Op::kCmpxchg16b:
      return &Cmpxchg16b;
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
