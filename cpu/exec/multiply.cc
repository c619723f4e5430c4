#include <limits>
#include <type_traits>

#include "cpu/exec/flags.h"
#include "cpu/exec/operand.h"

// MUL, IMUL, DIV, IDIV. SDM Vol. 2.
namespace tandem::cpu {
namespace {

// The low half is in rAX and the high half in rDX; for bytes the pair is AL and AH.
template <typename T>
constexpr u16 kHighHalf = sizeof(T) == 1 ? 1 : kRdx * 8;

// POPF and PUSHF, because AH is an operand here; the red zone is stepped over.
#define TANDEM_MULDIV(name)                                                  \
  asm volatile("leaq -128(%%rsp), %%rsp\n\tpushq %[flags]\n\tpopfq\n\t" name \
               " %[b]\n\t"                                                   \
               "pushfq\n\tpopq %[flags]\n\tleaq 128(%%rsp), %%rsp"           \
               : "+&a"(low), "+&d"(high), [flags] "+&r"(flags)               \
               : [b] "r"(b)                                                  \
               : "cc", "memory")

enum class Wide : u8 { kMul, kImul, kDiv, kIdiv };

template <Wide kOp, typename T>
void Host(u64& low, u64& high, T b, u64& rflags) {
  u64 flags = (rflags & kArithFlags) | kFlagFixed1 | kFlagIf;
  constexpr bool kByte = sizeof(T) == 1;
  if constexpr (kOp == Wide::kMul) {
    TANDEM_MULDIV("mul");
  } else if constexpr (kOp == Wide::kImul && kByte) {
    TANDEM_MULDIV("imulb");
  } else if constexpr (kOp == Wide::kImul) {
    TANDEM_MULDIV("imul");
  } else if constexpr (kOp == Wide::kDiv) {
    TANDEM_MULDIV("div");
  } else {
    TANDEM_MULDIV("idiv");
  }
  rflags = (rflags & ~kArithFlags) | (flags & kArithFlags);
}
#undef TANDEM_MULDIV

template <typename T>
unsigned __int128 Dividend(u64 low, u64 high) {
  if constexpr (sizeof(T) == 1) {
    return static_cast<u16>(low);
  }
  return (static_cast<unsigned __int128>(static_cast<T>(high)) << (sizeof(T) * 8)) |
         static_cast<T>(low);
}

template <typename T>
bool UnsignedOverflows(u64 low, u64 high, T divisor) {
  return (Dividend<T>(low, high) / divisor) > static_cast<T>(~T{0});
}

template <typename T>
bool SignedOverflows(u64 low, u64 high, T divisor) {
  constexpr unsigned kUnused = 128 - sizeof(T) * 16;
  const __int128 dividend = static_cast<__int128>(Dividend<T>(low, high) << kUnused) >> kUnused;
  constexpr __int128 kMin = std::numeric_limits<std::make_signed_t<T>>::min();
  constexpr __int128 kMax = std::numeric_limits<std::make_signed_t<T>>::max();
  const auto signed_divisor = static_cast<std::make_signed_t<T>>(divisor);
  if (signed_divisor == -1) {  // -dividend itself may not fit 128 bits
    return dividend < -kMax || dividend > -kMin;
  }
  const __int128 quotient = dividend / signed_divisor;
  return quotient > kMax || quotient < kMin;
}

template <Wide kOp, typename T>
bool DivideFaults(u64 low, u64 high, T b) {
  if constexpr (kOp == Wide::kDiv) {
    return b == 0 || UnsignedOverflows<T>(low, high, b);
  } else if constexpr (kOp == Wide::kIdiv) {
    return b == 0 || SignedOverflows<T>(low, high, b);
  } else {
    return false;
  }
}

// The one-operand forms. operands[0] is the multiplier or divisor.
template <Wide kOp, Form kForm>
struct WideOp {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    T b;
    if constexpr (kForm == Form::kRegMem) {
      if (!LoadMemory(core, step, b)) {
        return Flow::kFault;
      }
    } else {
      b = ReadReg<T>(core, step.dst);
    }
    u64 low = core.state.gpr[kRax];
    u64 high = core.state.gpr[kRdx];
    if (DivideFaults<kOp, T>(low, high, b)) {
      return core.Raise(Fault::Of(Vector::kDe));
    }
    Host<kOp, T>(low, high, b, core.state.rflags);
    if constexpr (sizeof(T) == 1) {
      WriteReg<u16>(core, kRax * 8, static_cast<u16>(low));
    } else {
      WriteReg<T>(core, kRax * 8, static_cast<T>(low));
      WriteReg<T>(core, kRdx * 8, static_cast<T>(high));
    }
    return Flow::kNext;
  }
};

template <Wide kOp>
ExecFn SelectWide(const Inst& inst) {
  const Operand& operand = inst.operands[0];
  return operand.IsMemory() ? BySize<WideOp<kOp, Form::kRegMem>>(operand.size)
                            : BySize<WideOp<kOp, Form::kRegReg>>(operand.size);
}

// IMUL r, r/m and IMUL r, r/m, imm.
template <typename T>
T MultiplySigned(T a, T b, u64& rflags) {
  u32 ax = AxFromFlags(rflags);
  asm volatile("addb $127, %%al\n\tsahf\n\timul %[b], %[a]\n\tlahf\n\tseto %%al"
               : [a] "+&r"(a), "+&a"(ax)
               : [b] "r"(b)
               : "cc");
  rflags = (rflags & ~kArithFlags) | FlagsFromAx(ax);
  return a;
}

template <bool kThree, Form kForm>
struct SignedMultiply {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    T b;
    if (!ReadSource<T, kForm>(core, step, b)) {
      return Flow::kFault;
    }
    const T a = kThree ? static_cast<T>(step.immediate) : ReadReg<T>(core, step.dst);
    WriteReg<T>(core, step.dst, MultiplySigned<T>(a, b, core.state.rflags));
    return Flow::kNext;
  }
};

ExecFn SelectImul(const Inst& inst) {
  if (inst.operand_count == 1) {
    return SelectWide<Wide::kImul>(inst);
  }
  const u32 size = inst.operands[0].size;
  const bool from_memory = inst.operands[1].IsMemory();
  if (inst.operand_count == 2) {
    return from_memory ? ByWideSize<SignedMultiply<false, Form::kRegMem>>(size)
                       : ByWideSize<SignedMultiply<false, Form::kRegReg>>(size);
  }
  return from_memory ? ByWideSize<SignedMultiply<true, Form::kRegMem>>(size)
                     : ByWideSize<SignedMultiply<true, Form::kRegReg>>(size);
}

}  // namespace

ExecFn SelectMultiply(const Inst& inst) {
  switch (inst.op) {
    case Op::kMul:
      return SelectWide<Wide::kMul>(inst);
    case Op::kImul:
      return SelectImul(inst);
    case Op::kDiv:
      return SelectWide<Wide::kDiv>(inst);
    case Op::kIdiv:
      return SelectWide<Wide::kIdiv>(inst);
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
