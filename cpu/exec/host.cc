#include <array>
#include <memory>

#include "cpu/exec/element_access.h"
#include "cpu/exec/flags.h"
#include "cpu/exec/host_thunks.h"
#include "cpu/exec/mmx_state.h"
#include "cpu/exec/operand.h"
#include "cpu/exec/unit.h"

// Op::kHost: x87, MMX, SSE, AVX, AVX-512 and odd integer instructions, executed by the host CPU on
// copies of their operands. Exceptions are found in the status words afterwards, so no host fault
// occurs.
namespace tandem::cpu {
namespace {

constexpr u16 kFcwMasks = 0x3f;
constexpr u32 kMxcsrFlags = 0x3f;
constexpr u32 kMxcsrMasks = 0x1f80;
constexpr u32 kMxcsrUnderflow = 0x10;
constexpr u32 kMxcsrFtz = 0x8000;
constexpr u32 kMxcsrBefore = 0x07;  // IE, DE, ZE: found before the result is computed

// What is put back when an unmasked SIMD exception keeps the result from being written.
struct Undo {
  std::array<u64, 17> gpr;
  VectorState vec;
  FxImage fx;
};

void Restore(CpuState& state, const Undo& undo) {
  state.gpr = undo.gpr;
  state.vec = undo.vec;
  state.fx = undo.fx;
}

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
void FixPointers(Core& core, const Step& step, u64 fip, u64 fdp, u64 address) {
  FxImage& fx = core.state.fx;
  if (fx.fip != fip) {
    fx.fip = core.RipOf(step);
    const auto [opcode, modrm] = X87OpcodeOf(*step.inst);
    fx.fop = static_cast<u16>(((opcode & 7) << 8) | modrm);
  }
  if (fx.fdp != fdp) {
    fx.fdp = address;
  }
}

bool IsFpu(const Inst& inst) {
  return inst.host_class == HostClass::kX87 || inst.host_class == HostClass::kMmx;
}

u64 CallThunk(Core& core, const Step& step, HostBuffer& buffer, u32 mxcsr) {
  CpuState& state = core.state;
  buffer.guest_mxcsr = mxcsr;
  if (!IsFpu(*step.inst)) {
    return step.thunk->run(&state, &buffer, (state.rflags & kArithFlags) | kFlagFixed1);
  }
  const u32 own = state.fx.mxcsr;
  state.fx.mxcsr = mxcsr;
  const u64 flags = step.thunk->run(&state, &buffer, (state.rflags & kArithFlags) | kFlagFixed1);
  state.fx.mxcsr = own;
  return flags;
}

// With underflow unmasked any tiny result is an exception, but masked only an inexact one raises
// the flag. A run with flush-to-zero tells: it raises it for all.
bool HasTinyResult(Core& core, const Step& step, HostBuffer& buffer, const Undo& undo) {
  CallThunk(core, step, buffer, (buffer.guest_mxcsr & ~kMxcsrFlags) | kMxcsrFtz);
  Restore(core.state, undo);
  return (buffer.guest_mxcsr & kMxcsrUnderflow) != 0;
}

// With an exception unmasked, which may keep the result from being written.
Fault ExecuteUnmasked(Core& core, const Step& step, HostBuffer& buffer, u32 mxcsr, u64& flags) {
  CpuState& state = core.state;
  const auto undo = std::make_unique<Undo>(Undo{state.gpr, state.vec, state.fx});
  u32 tiny = 0;
  if ((state.fx.mxcsr & kMxcsrUnderflow << 7) == 0) {
    mxcsr &= ~kMxcsrFtz;  // has no effect then
    buffer.guest_mxcsr = mxcsr;
    tiny = HasTinyResult(core, step, buffer, *undo) ? kMxcsrUnderflow : 0;
  }
  flags = CallThunk(core, step, buffer, mxcsr);
  const Fault fault = MergeMxcsr(state, buffer.guest_mxcsr | tiny);
  if (fault) {
    const u32 raised = state.fx.mxcsr;
    Restore(state, *undo);
    state.fx.mxcsr = raised;
    if (step.inst->host_class == HostClass::kMmx) {
      EnterMmx(state.fx);
    }
  }
  return fault;
}

Fault Execute(Core& core, const Step& step, HostBuffer& buffer, u64 address) {
  CpuState& state = core.state;
  const Inst& inst = *step.inst;
  asm volatile("stmxcsr %0" : "=m"(buffer.host_mxcsr));
  const u32 mxcsr = (state.fx.mxcsr & ~kMxcsrFlags) | kMxcsrMasks;
  const u64 fip = state.fx.fip;
  const u64 fdp = state.fx.fdp;
  u64 flags = 0;
  if (inst.uses_mxcsr && !inst.never_raises_xm && !AllMasked(state)) {
    if (const Fault fault = ExecuteUnmasked(core, step, buffer, mxcsr, flags)) {
      return fault;
    }
  } else {
    flags = CallThunk(core, step, buffer, mxcsr);
    state.fx.mxcsr |= inst.uses_mxcsr ? buffer.guest_mxcsr & kMxcsrFlags : 0;
  }
  if (IsFpu(inst)) {
    FixPointers(core, step, fip, fdp, address);
  }
  SetArithFlags(core, flags);
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
  // An x87 store with an unmasked exception may store nothing: what memory holds goes back then.
  const bool may_not_store =
      step.inst->host_class == HostClass::kX87 && (core.state.fx.fcw & kFcwMasks) != kFcwMasks;
  // A store that faults must leave no trace: it is tried before the registers change.
  if (operand.is_written) {
    if (const Fault fault = core.mmu.Probe(linear, operand.size, AccessKind::kWrite)) {
      (void)MemoryFault(core, step.segment, fault);
      return Flow::kFault;
    }
  }
  if ((operand.is_read || may_not_store) &&
      !Transfer(core, step, linear, operand.size, buffer, false)) {
    return Flow::kFault;
  }
  if (const Fault fault = Execute(core, step, buffer, EffectiveAddress(core, step))) {
    return core.Raise(fault);
  }
  if (operand.is_written && !Transfer(core, step, linear, operand.size, buffer, true)) {
    return Flow::kFault;
  }
  return Flow::kNext;
}

// An opmask selects elements of the memory operand.
Flow RunMasked(Core& core, const Step& step, const Operand& operand, HostBuffer& buffer) {
  const Elements elements = SelectElements(core.state, step.inst->masking, operand.size);
  const u8 alignment = step.inst->alignment;
  const Gva start = Linear(core, step.segment, EffectiveAddress(core, step));
  if (alignment != 0 && start.value % alignment != 0 && elements.selected != 0) {
    return core.Raise(Fault::Gp());
  }
  std::memset(buffer.memory, 0, operand.size);
  if (operand.is_read && !LoadElements(core, step, elements, buffer.memory)) {
    return Flow::kFault;
  }
  const Elements probed = step.inst->masking.faults_whole ? Elements{1, operand.size} : elements;
  if (operand.is_written && !ProbeElements(core, step, probed)) {
    return Flow::kFault;
  }
  if (const Fault fault = Execute(core, step, buffer, 0)) {
    return core.Raise(fault);
  }
  const bool is_stored = !operand.is_written || StoreElements(core, step, elements, buffer.memory);
  return is_stored ? Flow::kNext : Flow::kFault;
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
  if (const Operand* operand = MemoryOperandOf(*step.inst)) {
    if (step.inst->masking.element_size != 0) {
      return RunMasked(core, step, *operand, buffer);
    }
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
