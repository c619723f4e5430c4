#include <algorithm>

#include "cpu/event/system.h"
#include "cpu/exec/flags.h"
#include "cpu/exec/operand.h"

// MOVS, STOS, LODS, SCAS, CMPS, INS, OUTS with REP, REPE and REPNE. Each iteration is complete in
// the registers before the next one starts, so faults and interrupts find a restartable state.
// SDM Vol. 2, "REP".
namespace tandem::cpu {
namespace {

// How many iterations run before interrupts are looked at again.
constexpr u64 kIterationsAtOnce = 1024;

u64 CutToSize(u64 value, u8 size) {
  return size == 8 ? value : size == 4 ? static_cast<u32>(value) : static_cast<u16>(value);
}

void WriteIndex(Core& core, Gpr reg, u8 address_size, u64 value) {
  if (address_size == 2) {
    WriteReg<u16>(core, reg * 8, static_cast<u16>(value));
  } else {
    core.state.gpr[reg] = CutToSize(value, address_size);
  }
}

template <typename T>
u64 Stride(const Core& core) {
  return (core.state.rflags & kFlagDf) != 0 ? ~u64{sizeof(T)} + 1 : sizeof(T);
}

void Advance(Core& core, const Step& step, Gpr reg, u64 bytes) {
  WriteIndex(core, reg, step.address_size, core.state.gpr[reg] + bytes);
}

// The address in rSI (the operand's segment) or rDI (always ES).
bool StringAddress(Core& core, const Step& step, Gpr reg, u32 size, AccessKind kind, Gva& linear) {
  const SegReg segment = reg == kRdi ? SegReg::kEs : step.segment;
  const u64 offset = CutToSize(core.state.gpr[reg], step.address_size);
  if (step.check_segment) {
    return LinearChecked(core, segment, offset, size, kind, linear);
  }
  linear = Linear(core, segment, offset);
  return true;
}

template <typename T>
bool LoadSource(Core& core, const Step& step, T& value) {
  Gva linear;
  return StringAddress(core, step, kRsi, sizeof(T), AccessKind::kRead, linear) &&
         LoadAt<T>(core, step.segment, linear, value);
}

template <typename T>
bool LoadDestination(Core& core, const Step& step, T& value) {
  Gva linear;
  return StringAddress(core, step, kRdi, sizeof(T), AccessKind::kRead, linear) &&
         LoadAt<T>(core, SegReg::kEs, linear, value);
}

template <typename T>
bool StoreDestination(Core& core, const Step& step, T value) {
  Gva linear;
  return StringAddress(core, step, kRdi, sizeof(T), AccessKind::kWrite, linear) &&
         StoreAt<T>(core, SegReg::kEs, linear, value);
}

struct Movs {
  static constexpr bool kCompares = false;
  template <typename T>
  static bool Once(Core& core, const Step& step) {
    T value;
    if (!LoadSource(core, step, value) || !StoreDestination(core, step, value)) {
      return false;
    }
    Advance(core, step, kRsi, Stride<T>(core));
    Advance(core, step, kRdi, Stride<T>(core));
    return true;
  }
};

struct Stos {
  static constexpr bool kCompares = false;
  template <typename T>
  static bool Once(Core& core, const Step& step) {
    if (!StoreDestination(core, step, ReadReg<T>(core, kRax * 8))) {
      return false;
    }
    Advance(core, step, kRdi, Stride<T>(core));
    return true;
  }
};

struct Lods {
  static constexpr bool kCompares = false;
  template <typename T>
  static bool Once(Core& core, const Step& step) {
    T value;
    if (!LoadSource(core, step, value)) {
      return false;
    }
    WriteReg<T>(core, kRax * 8, value);
    Advance(core, step, kRsi, Stride<T>(core));
    return true;
  }
};

template <typename T>
void SetCompareFlags(Core& core, T a, T b) {
  u32 ax = 0;
  asm volatile("cmp %[b], %[a]\n\tlahf\n\tseto %%al" : "=&a"(ax) : [a] "r"(a), [b] "r"(b) : "cc");
  SetArithFlags(core, FlagsFromAx(ax));
}

struct Scas {
  static constexpr bool kCompares = true;
  template <typename T>
  static bool Once(Core& core, const Step& step) {
    T value;
    if (!LoadDestination(core, step, value)) {
      return false;
    }
    SetCompareFlags<T>(core, ReadReg<T>(core, kRax * 8), value);
    Advance(core, step, kRdi, Stride<T>(core));
    return true;
  }
};

struct Cmps {
  static constexpr bool kCompares = true;
  template <typename T>
  static bool Once(Core& core, const Step& step) {
    T source;
    T destination;
    if (!LoadSource(core, step, source) || !LoadDestination(core, step, destination)) {
      return false;
    }
    SetCompareFlags<T>(core, source, destination);
    Advance(core, step, kRsi, Stride<T>(core));
    Advance(core, step, kRdi, Stride<T>(core));
    return true;
  }
};

bool PortAllowed(Core& core, u32 size) {
  if (const Fault fault = CheckPortAccess(core, static_cast<u16>(core.state.gpr[kRdx]), size)) {
    core.fault = fault;
    return false;
  }
  return true;
}

// The destination is checked before the port is read: a read cannot be undone.
struct Ins {
  static constexpr bool kCompares = false;
  template <typename T>
  static bool Once(Core& core, const Step& step) {
    Gva linear;
    if (!PortAllowed(core, sizeof(T)) ||
        !StringAddress(core, step, kRdi, sizeof(T), AccessKind::kWrite, linear)) {
      return false;
    }
    if (const Fault fault = core.mmu.Probe(linear, sizeof(T), AccessKind::kWrite)) {
      return MemoryFault(core, SegReg::kEs, fault);
    }
    const u16 port = static_cast<u16>(core.state.gpr[kRdx]);
    if (!StoreAt<T>(core, SegReg::kEs, linear, static_cast<T>(ReadPort(core, port, sizeof(T))))) {
      return false;
    }
    Advance(core, step, kRdi, Stride<T>(core));
    return true;
  }
};

struct Outs {
  static constexpr bool kCompares = false;
  template <typename T>
  static bool Once(Core& core, const Step& step) {
    T value;
    if (!PortAllowed(core, sizeof(T)) || !LoadSource(core, step, value)) {
      return false;
    }
    WritePort(core, static_cast<u16>(core.state.gpr[kRdx]), sizeof(T), value);
    Advance(core, step, kRsi, Stride<T>(core));
    return true;
  }
};

template <typename T>
void FillWith(std::byte* target, u64 times, T value) {
  const u8 byte = static_cast<u8>(value);
  if (value == static_cast<T>(byte * (static_cast<T>(~T{0}) / 0xff))) {  // zero, mostly
    std::memset(target, byte, times * sizeof(T));
    return;
  }
  for (u64 i = 0; i < times; ++i) {
    StoreLe<T>(target + i * sizeof(T), value);
  }
}

// Iterations that can be done at once by the host: up to the end of both pages, upwards, without
// segment checks or single-stepping. Returns the number done, 0 where they must go one by one.
template <typename Kind, typename T>
u64 Bulk(Core& core, const Step& step, u64 count) {
  if (step.check_segment || step.address_size == 2 ||
      (core.state.rflags & (kFlagDf | kFlagTf)) != 0) {
    return 0;
  }
  constexpr bool kMoves = std::is_same_v<Kind, Movs>;
  const Gva to = Linear(core, SegReg::kEs, CutToSize(core.state.gpr[kRdi], step.address_size));
  const Gva from = Linear(core, step.segment, CutToSize(core.state.gpr[kRsi], step.address_size));
  u64 bytes = kPageSize - to.value % kPageSize;
  if (kMoves) {
    bytes = std::min(bytes, kPageSize - from.value % kPageSize);
  }
  const u64 times = std::min(count, bytes / sizeof(T));
  std::byte* target = times < 2 ? nullptr : core.mmu.HostSpan(to, AccessKind::kWrite);
  if (target == nullptr) {
    return 0;
  }
  if constexpr (kMoves) {
    const std::byte* source = core.mmu.HostSpan(from, AccessKind::kRead);
    // Overlapping upwards copies repeat a pattern: memmove would not.
    if (source == nullptr || (target > source && target < source + times * sizeof(T))) {
      return 0;
    }
    std::memmove(target, source, times * sizeof(T));
    Advance(core, step, kRsi, times * sizeof(T));
  } else {
    FillWith(target, times, ReadReg<T>(core, kRax * 8));
  }
  Advance(core, step, kRdi, times * sizeof(T));
  return times;
}

template <typename Kind>
struct Single {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    return Kind::template Once<T>(core, step) ? Flow::kNext : Flow::kFault;
  }
};

template <typename Kind>
struct Repeated {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    u64 count = CutToSize(core.state.gpr[kRcx], step.address_size);
    if constexpr (std::is_same_v<Kind, Ins> || std::is_same_v<Kind, Outs>) {
      if (count == 0 && !PortAllowed(core, sizeof(T))) {
        return Flow::kFault;
      }
    }
    for (u64 left = kIterationsAtOnce; count != 0; --left) {
      if (left == 0 || (core.state.pending_dr6 != 0)) {
        return Flow::kAgain;
      }
      u64 done = 0;
      if constexpr (std::is_same_v<Kind, Movs> || std::is_same_v<Kind, Stos>) {
        done = Bulk<Kind, T>(core, step, count);
      }
      if (done == 0) {
        if (!Kind::template Once<T>(core, step)) {
          return Flow::kFault;
        }
        done = 1;
      }
      count -= done;
      WriteIndex(core, kRcx, step.address_size, count);
      if (Kind::kCompares && StopsRepeating(core, step)) {
        break;
      }
      // TF traps after each iteration.
      if ((core.state.rflags & kFlagTf) != 0 && count != 0) {
        return Flow::kAgain;
      }
    }
    return Flow::kNext;
  }

 private:
  static bool StopsRepeating(const Core& core, const Step& step) {
    const bool equal = (core.state.rflags & kFlagZf) != 0;
    return equal != (step.inst->repeat == Repeat::kRep);
  }
};

template <typename Kind>
ExecFn SelectForm(const Inst& inst) {
  const u32 size = inst.operand_size;
  return inst.repeat == Repeat::kNone ? BySize<Single<Kind>>(size) : BySize<Repeated<Kind>>(size);
}

}  // namespace

ExecFn SelectString(const Inst& inst) {
  switch (inst.op) {
    case Op::kMovs:
      return SelectForm<Movs>(inst);
    case Op::kStos:
      return SelectForm<Stos>(inst);
    case Op::kLods:
      return SelectForm<Lods>(inst);
    case Op::kScas:
      return SelectForm<Scas>(inst);
    case Op::kCmps:
      return SelectForm<Cmps>(inst);
    case Op::kIns:
      return SelectForm<Ins>(inst);
    case Op::kOuts:
      return SelectForm<Outs>(inst);
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
