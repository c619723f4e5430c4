#include <array>
#include <optional>

#include "cpu/exec/flags.h"
#include "cpu/exec/host_thunks.h"
#include "cpu/exec/operand.h"

// Op::kHost: x87, MMX, SSE, AVX and odd integer instructions, executed by the host CPU on copies of
// their operands. Exceptions are found in the status words afterwards, so no host fault occurs.
namespace tandem::cpu {
namespace {

constexpr u32 kMxcsrFlags = 0x3f;
constexpr u32 kMxcsrMasks = 0x1f80;
constexpr u32 kMxcsrBefore = 0x07;  // IE, DE, ZE: found before the result is computed
constexpr u16 kFswErrorSummary = 0x80;

const Operand* MemoryOf(const Inst& inst) {
  for (u8 i = 0; i < inst.operand_count; ++i) {
    if (inst.operands[i].IsMemory()) {
      return &inst.operands[i];
    }
  }
  return nullptr;
}

// The opcode byte after legacy and REX prefixes, and its ModRM byte.
struct X87Opcode {
  u8 opcode = 0, modrm = 0;
};

X87Opcode OpcodeOf(const Inst& inst) {
  for (size_t i = 0; i + 1 < inst.length; ++i) {
    if (inst.bytes[i] >= 0xd8 && inst.bytes[i] <= 0xdf) {
      return {inst.bytes[i], inst.bytes[i + 1]};
    }
  }
  return {};
}

// FNINIT, FNCLEX, FNSTSW, FNSTCW, FNSTENV, FNSAVE do not wait for pending exceptions.
bool IsNonWaiting(const Inst& inst) {
  const auto [opcode, modrm] = OpcodeOf(inst);
  const u8 extension = (modrm >> 3) & 7;
  if (modrm >= 0xc0) {
    return (opcode == 0xdb && modrm >= 0xe0 && modrm <= 0xe4) || (opcode == 0xdf && modrm == 0xe0);
  }
  return (opcode == 0xd9 && extension >= 6) || (opcode == 0xdd && extension >= 6);
}

Fault CheckX87(const CpuState& state, const Inst& inst) {
  if ((state.cr0 & (kCr0Em | kCr0Ts)) != 0) {
    return Fault::Of(Vector::kNm);
  }
  const bool pending = (state.fx.fsw & kFswErrorSummary) != 0;
  return pending && !IsNonWaiting(inst) ? Fault::Of(Vector::kMf) : Fault::None();
}

Fault CheckMmx(const CpuState& state) {
  if ((state.cr0 & kCr0Em) != 0) {
    return Fault::Ud();
  }
  if ((state.cr0 & kCr0Ts) != 0) {
    return Fault::Of(Vector::kNm);
  }
  return (state.fx.fsw & kFswErrorSummary) != 0 ? Fault::Of(Vector::kMf) : Fault::None();
}

Fault CheckSse(const CpuState& state) {
  if ((state.cr0 & kCr0Em) != 0 || (state.cr4 & kCr4Osfxsr) == 0) {
    return Fault::Ud();
  }
  return (state.cr0 & kCr0Ts) != 0 ? Fault::Of(Vector::kNm) : Fault::None();
}

Fault CheckAvx(const CpuState& state) {
  constexpr u64 kNeeded = kXcr0Sse | kXcr0Avx;
  if ((state.cr4 & kCr4Osxsave) == 0 || (state.xcr0 & kNeeded) != kNeeded ||
      state.HasRealSegments()) {
    return Fault::Ud();
  }
  return (state.cr0 & kCr0Ts) != 0 ? Fault::Of(Vector::kNm) : Fault::None();
}

// SDM Vol. 3, 2.5 and Vol. 2, 2.4: whether the unit may be used at all.
Fault CheckUnit(const CpuState& state, const Inst& inst) {
  switch (inst.host_class) {
    case HostClass::kX87:
      return CheckX87(state, inst);
    case HostClass::kMmx:
      return CheckMmx(state);
    case HostClass::kSse:
      return CheckSse(state);
    case HostClass::kAvx:
      return CheckAvx(state);
    case HostClass::kAvx512:
      return Fault::Ud();  // no engine offers it yet: SupportedXcr0 has no such component
    default:
      return Fault::None();
  }
}

// What is put back when an unmasked SIMD exception keeps the result from being written.
struct Undo {
  std::array<u64, 17> gpr;
  VectorState vec;
};

// The flags after an instruction that ran with all exceptions masked; a fault if the guest has one
// of them unmasked. SDM Vol. 1, 11.5.2: exceptions found before the computation win.
Fault MergeMxcsr(CpuState& state, u32 after) {
  const u32 raised = after & kMxcsrFlags;
  const u32 unmasked = raised & ~((state.fx.mxcsr & kMxcsrMasks) >> 7);
  if (unmasked == 0) {
    state.fx.mxcsr |= raised;
    return Fault::None();
  }
  state.fx.mxcsr |= (unmasked & kMxcsrBefore) != 0 ? raised & kMxcsrBefore : raised;
  return (state.cr4 & kCr4Osxmmexcpt) != 0 ? Fault::Of(Vector::kXm) : Fault::Ud();
}

bool AllMasked(const CpuState& state) { return (state.fx.mxcsr & kMxcsrMasks) == kMxcsrMasks; }

// The thunk's own addresses must not be seen by the guest: its instruction's take their place.
void FixPointers(Core& core, const Step& step, const FxImage& before, u64 address) {
  FxImage& fx = core.state.fx;
  if (fx.fip != before.fip) {
    fx.fip = core.RipOf(step);
    const auto [opcode, modrm] = OpcodeOf(*step.inst);
    fx.fop = static_cast<u16>(((opcode & 7) << 8) | modrm);
  }
  if (fx.fdp != before.fdp) {
    fx.fdp = address;
  }
}

Fault Execute(Core& core, const Step& step, HostBuffer& buffer, u64 address) {
  CpuState& state = core.state;
  const Inst& inst = *step.inst;
  asm volatile("stmxcsr %0" : "=m"(buffer.host_mxcsr));
  buffer.guest_mxcsr = (state.fx.mxcsr & ~kMxcsrFlags) | kMxcsrMasks;
  const bool may_fault = inst.uses_mxcsr && !AllMasked(state);
  std::optional<Undo> undo;
  if (may_fault) {
    undo.emplace(Undo{state.gpr, state.vec});
  }
  const bool is_fpu = inst.host_class == HostClass::kX87 || inst.host_class == HostClass::kMmx;
  const u32 mxcsr = state.fx.mxcsr;
  FxImage before;
  if (is_fpu) {
    before = state.fx;
    state.fx.mxcsr = buffer.guest_mxcsr;
  }
  const u64 flags = step.thunk->run(&state, &buffer, (state.rflags & kArithFlags) | kFlagFixed1);
  if (is_fpu) {
    state.fx.mxcsr = mxcsr;
    FixPointers(core, step, before, address);
  }
  if (inst.uses_mxcsr) {
    if (const Fault fault = MergeMxcsr(state, buffer.guest_mxcsr)) {
      state.gpr = undo->gpr;
      state.vec = undo->vec;
      return fault;
    }
  }
  SetArithFlags(core, flags, inst.flags_written & kArithFlags);
  return Fault::None();
}

bool Transfer(Core& core, const Step& step, Gva linear, u16 size, HostBuffer& buffer, bool store) {
  std::byte* bytes = reinterpret_cast<std::byte*>(buffer.memory);
  const Fault fault = store ? core.mmu.WriteBytes(linear, {bytes, size})
                            : core.mmu.ReadBytes(linear, {bytes, size});
  return !fault || MemoryFault(core, step.segment, fault);
}

Flow RunWithMemory(Core& core, const Step& step, const Operand& operand, HostBuffer& buffer) {
  const AccessKind kind = operand.is_written ? AccessKind::kWrite : AccessKind::kRead;
  Gva linear;
  if (!MemoryAddress(core, step, operand.size, kind, linear)) {
    return Flow::kFault;
  }
  if (step.inst->alignment != 0 && linear.value % step.inst->alignment != 0) {
    return core.Raise(Fault::Gp());
  }
  if (operand.is_read && !Transfer(core, step, linear, operand.size, buffer, false)) {
    return Flow::kFault;
  }
  // A store that faults must leave no trace: it is tried before the registers change.
  if (operand.is_written) {
    if (const Fault fault = core.mmu.Probe(linear, operand.size, AccessKind::kWrite)) {
      (void)MemoryFault(core, step.segment, fault);
      return Flow::kFault;
    }
  }
  if (const Fault fault = Execute(core, step, buffer, EffectiveAddress(core, step))) {
    return core.Raise(fault);
  }
  if (operand.is_written && !Transfer(core, step, linear, operand.size, buffer, true)) {
    return Flow::kFault;
  }
  return Flow::kNext;
}

Flow RunHost(Core& core, const Step& step) {
  if (const Fault fault = CheckUnit(core.state, *step.inst)) {
    return core.Raise(fault);
  }
  if (step.thunk == nullptr) {
    const u8 bits = core.rip_mask == ~u64{0} ? 64 : core.state.Seg(SegReg::kCs).is_big() ? 32 : 16;
    step.thunk = core.thunks->Get({bits, core.state.HasRealSegments(), true, true}, *step.inst);
    if (step.thunk == nullptr) {
      return core.Raise(Fault::Ud());
    }
  }
  HostBuffer buffer;
  if (const Operand* operand = MemoryOf(*step.inst)) {
    return RunWithMemory(core, step, *operand, buffer);
  }
  if (const Fault fault = Execute(core, step, buffer, 0)) {
    return core.Raise(fault);
  }
  return Flow::kNext;
}

}  // namespace

ExecFn SelectHost(const Inst& inst) { return inst.op == Op::kHost ? &RunHost : nullptr; }

}  // namespace tandem::cpu
