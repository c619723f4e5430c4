#include <type_traits>
#include <utility>

#include "cpu/exec/flags.h"
#include "cpu/exec/operand.h"

// BT, BTS, BTR, BTC, BSF, BSR. SDM Vol. 2.
namespace tandem::cpu {
namespace {

enum class BitOp : u8 { kTest, kSet, kReset, kComplement };

// The bit's old value goes to CF. AMD and Intel leave the other flags as they are.
template <BitOp kOp, typename T>
T Apply(T a, u32 bit) {
  const T mask = static_cast<T>(T{1} << bit);
  switch (kOp) {
    case BitOp::kSet:
      return a | mask;
    case BitOp::kReset:
      return a & static_cast<T>(~mask);
    case BitOp::kComplement:
      return a ^ mask;
    default:
      return a;
  }
}

void SetCarry(Core& core, bool carry) { SetArithFlags(core, carry ? kFlagCf : 0, kFlagCf); }

template <BitOp kOp, bool kImmediate>
struct BitRegister {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    const u64 index = kImmediate ? step.immediate : ReadReg<T>(core, step.src);
    const u32 bit = static_cast<u32>(index % (sizeof(T) * 8));
    const T a = ReadReg<T>(core, step.dst);
    if constexpr (kOp != BitOp::kTest) {
      WriteReg<T>(core, step.dst, Apply<kOp, T>(a, bit));
    }
    SetCarry(core, ((a >> bit) & 1) != 0);
    return Flow::kNext;
  }
};

// A register bit index reaches beyond the operand: it is signed and counts from the address.
template <typename T, bool kImmediate>
bool BitAddress(Core& core, const Step& step, AccessKind kind, Gva& linear, u32& bit) {
  u64 offset = EffectiveAddress(core, step);
  u64 index = step.immediate;
  if constexpr (!kImmediate) {
    const i64 wide = static_cast<std::make_signed_t<T>>(ReadReg<T>(core, step.src));
    constexpr i64 kBits = sizeof(T) * 8;
    offset += static_cast<u64>((wide >> __builtin_ctzll(kBits)) * static_cast<i64>(sizeof(T)));
    if (step.address_size != 8) {
      offset &= step.address_size == 4 ? 0xffffffff : 0xffff;
    }
    index = static_cast<u64>(wide);
  }
  bit = static_cast<u32>(index % (sizeof(T) * 8));
  if (step.check_segment) {
    return LinearChecked(core, step.segment, offset, sizeof(T), kind, linear);
  }
  linear = Linear(core, step.segment, offset);
  return true;
}

template <typename T, BitOp kOp>
T UpdateLocked(T* host, u32 bit) {
  T old = __atomic_load_n(host, __ATOMIC_SEQ_CST);
  while (!__atomic_compare_exchange_n(host, &old, Apply<kOp, T>(old, bit), true, __ATOMIC_SEQ_CST,
                                      __ATOMIC_SEQ_CST)) {
  }
  return old;
}

template <BitOp kOp, bool kImmediate, bool kLocked>
struct BitMemory {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    Gva linear;
    u32 bit = 0;
    const AccessKind kind = kOp == BitOp::kTest ? AccessKind::kRead : AccessKind::kWrite;
    if (!BitAddress<T, kImmediate>(core, step, kind, linear, bit)) {
      return Flow::kFault;
    }
    T old;
    if constexpr (kOp == BitOp::kTest) {
      if (!LoadAt(core, step.segment, linear, old)) {
        return Flow::kFault;
      }
    } else if (!Update<T>(core, step, linear, bit, old)) {
      return Flow::kFault;
    }
    SetCarry(core, ((old >> bit) & 1) != 0);
    return Flow::kNext;
  }

 private:
  template <typename T>
  static bool Update(Core& core, const Step& step, Gva linear, u32 bit, T& old) {
    MemoryUpdate<T> memory;
    if (!memory.BeginAt(core, step.segment, linear)) {
      return false;
    }
    if (kLocked && memory.host() != nullptr) {
      old = UpdateLocked<T, kOp>(memory.host(), bit);
      return true;
    }
    old = memory.value();
    return memory.Commit(core, Apply<kOp, T>(old, bit));
  }
};

template <BitOp kOp, bool kImmediate>
ExecFn SelectMemory(const Inst& inst) {
  const u32 size = inst.operands[0].size;
  if constexpr (kOp != BitOp::kTest) {
    if (inst.has_lock) {
      return ByWideSize<BitMemory<kOp, kImmediate, true>>(size);
    }
  }
  return ByWideSize<BitMemory<kOp, kImmediate, false>>(size);
}

template <BitOp kOp>
ExecFn SelectForm(const Inst& inst) {
  const Operand& dst = inst.operands[0];
  const bool by_immediate = inst.operands[1].kind == OperandKind::kImmediate;
  if (dst.IsMemory()) {
    return by_immediate ? SelectMemory<kOp, true>(inst) : SelectMemory<kOp, false>(inst);
  }
  return by_immediate ? ByWideSize<BitRegister<kOp, true>>(dst.size)
                      : ByWideSize<BitRegister<kOp, false>>(dst.size);
}

// BSF and BSR on the host: with a zero source the destination keeps its value.
template <bool kReverse, typename T>
T Scan(T old, T source, u64& rflags) {
  u32 ax = AxFromFlags(rflags);
  if constexpr (kReverse) {
    asm volatile("addb $127, %%al\n\tsahf\n\tbsr %[b], %[a]\n\tlahf\n\tseto %%al"
                 : [a] "+&r"(old), "+&a"(ax)
                 : [b] "r"(source)
                 : "cc");
  } else {
    asm volatile("addb $127, %%al\n\tsahf\n\tbsf %[b], %[a]\n\tlahf\n\tseto %%al"
                 : [a] "+&r"(old), "+&a"(ax)
                 : [b] "r"(source)
                 : "cc");
  }
  rflags = (rflags & ~kArithFlags) | FlagsFromAx(ax);
  return old;
}

template <bool kReverse, Form kForm>
struct ScanBits {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    T source;
    if (!ReadSource<T, kForm>(core, step, source)) {
      return Flow::kFault;
    }
    const T result = Scan<kReverse, T>(ReadReg<T>(core, step.dst), source, core.state.rflags);
    if (source != 0) {
      WriteReg<T>(core, step.dst, result);
    }
    return Flow::kNext;
  }
};

template <bool kReverse>
ExecFn SelectScan(const Inst& inst) {
  const u32 size = inst.operands[0].size;
  return inst.operands[1].IsMemory() ? ByWideSize<ScanBits<kReverse, Form::kRegMem>>(size)
                                     : ByWideSize<ScanBits<kReverse, Form::kRegReg>>(size);
}

}  // namespace

ExecFn SelectBit(const Inst& inst) {
  switch (inst.op) {
    case Op::kBt:
      return SelectForm<BitOp::kTest>(inst);
    case Op::kBts:
      return SelectForm<BitOp::kSet>(inst);
    case Op::kBtr:
      return SelectForm<BitOp::kReset>(inst);
    case Op::kBtc:
      return SelectForm<BitOp::kComplement>(inst);
    case Op::kBsf:
      return SelectScan<false>(inst);
    case Op::kBsr:
      return SelectScan<true>(inst);
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
