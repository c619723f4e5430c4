#include "cpu/event/system.h"

#include <immintrin.h>

#include "cpu/event/hypercall.h"
#include "cpu/exec/flags.h"
#include "cpu/exec/operand.h"

// Ports, CPUID, TSC, MSRs, random numbers, caches, TLB, HLT and what does nothing. SDM Vol. 2.
namespace tandem::cpu {
namespace {

Flow Done(Core& core, const Fault& fault) { return fault ? core.Raise(fault) : Flow::kNext; }
// For what may change mode, time or interrupts.
Flow Ended(Core& core, const Fault& fault) { return fault ? core.Raise(fault) : Flow::kEnd; }

Flow Nop(Core&, const Step&) { return Flow::kNext; }

Flow Pause(Core&, const Step&) {
  _mm_pause();
  return Flow::kNext;
}

Flow FullFence(Core&, const Step&) {
  _mm_mfence();
  return Flow::kNext;
}

Flow Hlt(Core& core, const Step&) {
  if (const Fault fault = RequireCpl0(core.state)) {
    return core.Raise(fault);
  }
  core.state.activity = Activity::kHalted;
  return Flow::kEnd;
}

// DX or the immediate.
template <bool kImmediate>
u16 Port(const Core& core, const Step& step) {
  return static_cast<u16>(kImmediate ? step.immediate : core.state.gpr[kRdx]);
}

template <bool kImmediate>
struct In {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    const u16 port = Port<kImmediate>(core, step);
    if (const Fault fault = CheckPortAccess(core, port, sizeof(T))) {
      return core.Raise(fault);
    }
    WriteReg<T>(core, kRax * 8, static_cast<T>(ReadPort(core, port, sizeof(T))));
    return Flow::kEnd;
  }
};

template <bool kImmediate>
struct Out {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    const u16 port = Port<kImmediate>(core, step);
    if (const Fault fault = CheckPortAccess(core, port, sizeof(T))) {
      return core.Raise(fault);
    }
    WritePort(core, port, sizeof(T), ReadReg<T>(core, kRax * 8));
    return Flow::kEnd;
  }
};

u64 Edx(const Core& core) { return static_cast<u32>(core.state.gpr[kRdx]); }
u64 Eax(const Core& core) { return static_cast<u32>(core.state.gpr[kRax]); }
u32 Ecx(const Core& core) { return static_cast<u32>(core.state.gpr[kRcx]); }
u64 EdxEax(const Core& core) { return (Edx(core) << 32) | Eax(core); }
void SetEdxEax(Core& core, u64 value) {
  core.state.gpr[kRax] = static_cast<u32>(value);
  core.state.gpr[kRdx] = value >> 32;
}

Flow DoCpuid(Core& core, const Step&) {
  const CpuidResult result = Cpuid(core, static_cast<u32>(Eax(core)), Ecx(core));
  core.state.gpr[kRax] = result.eax;
  core.state.gpr[kRbx] = result.ebx;
  core.state.gpr[kRcx] = result.ecx;
  core.state.gpr[kRdx] = result.edx;
  return Flow::kNext;
}

bool TimeStampForbidden(const CpuState& state) {
  return (state.cr4 & kCr4Tsd) != 0 && state.cpl != 0;
}

template <bool kWithId>
Flow Rdtsc(Core& core, const Step&) {
  if (TimeStampForbidden(core.state)) {
    return core.Raise(Fault::Gp());
  }
  SetEdxEax(core, ReadTsc(core));
  if (kWithId) {
    core.state.gpr[kRcx] = static_cast<u32>(core.state.msr.tsc_aux);
  }
  return Flow::kEnd;
}

// No performance counters are modelled.
Flow Rdpmc(Core& core, const Step&) { return core.Raise(Fault::Gp()); }

Flow Rdpid(Core& core, const Step& step) {
  WriteReg<u64>(core, step.dst, core.state.msr.tsc_aux);
  return Flow::kNext;
}

Flow DoRdmsr(Core& core, const Step&) {
  u64 value;
  if (const Fault fault = ReadMsr(core, Ecx(core), value)) {
    return core.Raise(fault);
  }
  SetEdxEax(core, value);
  return Flow::kEnd;
}

Flow DoWrmsr(Core& core, const Step&) {
  return Ended(core, WriteMsr(core, Ecx(core), EdxEax(core)));
}

Flow DoXgetbv(Core& core, const Step&) {
  u64 value;
  if (const Fault fault = GetExtendedControl(core, Ecx(core), value)) {
    return core.Raise(fault);
  }
  SetEdxEax(core, value);
  return Flow::kNext;
}

Flow DoXsetbv(Core& core, const Step&) {
  return Ended(core, SetExtendedControl(core, Ecx(core), EdxEax(core)));
}

bool PkruUsable(const Core& core) { return (core.state.cr4 & kCr4Pke) != 0; }

Flow Rdpkru(Core& core, const Step&) {
  if (!PkruUsable(core)) {
    return core.Raise(Fault::Ud());
  }
  if (Ecx(core) != 0) {
    return core.Raise(Fault::Gp());
  }
  SetEdxEax(core, core.state.pkru);
  return Flow::kNext;
}

Flow Wrpkru(Core& core, const Step&) {
  if (!PkruUsable(core)) {
    return core.Raise(Fault::Ud());
  }
  if (Ecx(core) != 0 || Edx(core) != 0) {
    return core.Raise(Fault::Gp());
  }
  return Ended(core, WritePkru(core, static_cast<u32>(Eax(core))));
}

// The host's generator; CF says whether a number was had.
template <bool kSeed>
struct Random {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    u64 value = 0;
    bool valid;
    if constexpr (kSeed) {
      asm volatile("rdseed %0" : "=r"(value), "=@ccc"(valid));
    } else {
      asm volatile("rdrand %0" : "=r"(value), "=@ccc"(valid));
    }
    WriteReg<T>(core, step.dst, valid ? static_cast<T>(value) : T{0});
    SetArithFlags(core, valid ? kFlagCf : 0);
    return Flow::kNext;
  }
};

Flow DoInvlpg(Core& core, const Step& step) {
  if (const Fault fault = RequireCpl0(core.state)) {
    return core.Raise(fault);
  }
  const Gva linear = Linear(core, step.segment, EffectiveAddress(core, step));
  return Ended(core, InvalidatePage(core, linear));
}

struct Descriptor128 {
  u64 low, high;
};

Flow DoInvpcid(Core& core, const Step& step) {
  if (const Fault fault = RequireCpl0(core.state)) {
    return core.Raise(fault);
  }
  Descriptor128 descriptor;
  if (!LoadMemory(core, step, descriptor)) {
    return Flow::kFault;
  }
  const u64 type = ReadReg<u64>(core, step.dst);
  return Ended(core, InvalidatePcid(core, type, descriptor.low, descriptor.high));
}

Flow FlushCaches(Core& core, const Step&) { return Done(core, RequireCpl0(core.state)); }

// CLFLUSH and its like fault as a read of one byte would.
Flow FlushLine(Core& core, const Step& step) {
  u8 byte;
  return LoadMemory(core, step, byte) ? Flow::kNext : Flow::kFault;
}

Flow Clzero(Core& core, const Step& step) {
  constexpr u64 kLine = 64;
  u64 offset = core.state.gpr[kRax];
  if (step.address_size == 4) {
    offset = static_cast<u32>(offset);
  }
  const std::array<std::byte, kLine> zeros{};
  const Gva linear = Linear(core, SegReg::kDs, AlignDown(offset, kLine));
  if (const Fault fault = core.mmu.WriteBytes(linear, zeros)) {
    return core.Raise(fault);
  }
  return Flow::kNext;
}

// An unmasked x87 exception that is pending, or a task switch since.
Flow Fwait(Core& core, const Step&) {
  const CpuState& state = core.state;
  if ((state.cr0 & kCr0Mp) != 0 && (state.cr0 & kCr0Ts) != 0) {
    return core.Raise(Fault::Of(Vector::kNm));
  }
  const bool pending = (state.fx.fsw & 0x80) != 0;
  return pending ? core.Raise(Fault::Of(Vector::kMf)) : Flow::kNext;
}

Flow DoHypercall(Core& core, const Step&) { return Ended(core, Hypercall(core)); }

Flow Undefined(Core& core, const Step&) { return core.Raise(Fault::Ud()); }
Flow TooLong(Core& core, const Step&) { return core.Raise(Fault::Gp()); }

template <bool kOut>
ExecFn SelectPort(const Inst& inst) {
  const bool by_immediate = inst.operands[kOut ? 0 : 1].kind == OperandKind::kImmediate;
  const u32 size = inst.operands[kOut ? 1 : 0].size;
  if constexpr (kOut) {
    return by_immediate ? BySize<Out<true>>(size) : BySize<Out<false>>(size);
  } else {
    return by_immediate ? BySize<In<true>>(size) : BySize<In<false>>(size);
  }
}

}  // namespace

ExecFn SelectSystem(const Inst& inst) {
  const u32 size = inst.operands[0].size;
  switch (inst.op) {
    case Op::kNop:
      return &Nop;
    case Op::kPause:
      return &Pause;
    case Op::kFence:
      return &FullFence;
    case Op::kFwait:
      return &Fwait;
    case Op::kHlt:
      return &Hlt;
    case Op::kIn:
      return SelectPort<false>(inst);
    case Op::kOut:
      return SelectPort<true>(inst);
    case Op::kCpuid:
      return &DoCpuid;
    case Op::kRdtsc:
      return &Rdtsc<false>;
    case Op::kRdtscp:
      return &Rdtsc<true>;
    case Op::kRdpmc:
      return &Rdpmc;
    case Op::kRdpid:
      return &Rdpid;
    case Op::kRdmsr:
      return &DoRdmsr;
    case Op::kWrmsr:
      return &DoWrmsr;
    case Op::kXgetbv:
      return &DoXgetbv;
    case Op::kXsetbv:
      return &DoXsetbv;
    case Op::kRdpkru:
      return &Rdpkru;
    case Op::kWrpkru:
      return &Wrpkru;
    case Op::kRdrand:
      return ByWideSize<Random<false>>(size);
    case Op::kRdseed:
      return ByWideSize<Random<true>>(size);
    case Op::kInvlpg:
      return &DoInvlpg;
    case Op::kInvpcid:
      return &DoInvpcid;
    case Op::kWbinvd:
      return &FlushCaches;
    case Op::kClflush:
      return &FlushLine;
    case Op::kClzero:
      return &Clzero;
    case Op::kHypercall:
      return &DoHypercall;
    case Op::kTooLong:
      return &TooLong;
    case Op::kUd:
    case Op::kInvalid:
      return &Undefined;
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
