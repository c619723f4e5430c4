// IRET in all its forms. SDM Vol. 2, IRET.
#include <array>

#include "base/bits.h"
#include "cpu/event/task.h"
#include "cpu/event/transfer.h"
#include "cpu/event/transfer_checks.h"

namespace tandem::cpu {
namespace {

constexpr u64 kAlwaysLoaded = kArithFlags | kFlagTf | kFlagDf | kFlagNt;
constexpr u64 kLoadedByWide = kFlagRf | kFlagAc | kFlagId;
constexpr u64 kVirtualFlags = kFlagVif | kFlagVip;

struct Frame {
  ReturnTarget target;
  u64 flags = 0;
};

Fault PopFrame(StackFrame& stack, u32 size, Frame& frame) {
  u64 selector = 0;
  if (Fault fault = stack.Pop(frame.target.rip, size)) {
    return fault;
  }
  if (Fault fault = stack.Pop(selector, size)) {
    return fault;
  }
  frame.target.cs = static_cast<u16>(selector);
  return stack.Pop(frame.flags, size);
}

void LoadFlags(CpuState& state, u64 image, u64 loaded) {
  state.rflags = (state.rflags & ~loaded) | (image & loaded) | kFlagFixed1;
}

// What this privilege may change; cpl is that before the return.
u64 LoadableFlags(const CpuState& state, u32 size) {
  u64 loaded = kAlwaysLoaded | (size > 2 ? kLoadedByWide : 0);
  if (state.cpl <= state.Iopl()) {
    loaded |= kFlagIf;
  }
  if (state.cpl == 0) {
    loaded |= kFlagIopl | (size > 2 ? kVirtualFlags : 0);
  }
  return loaded;
}

Fault ReturnReal(Context& context, StackFrame& stack, u32 size) {
  CpuState& state = context.state;
  Frame frame;
  if (Fault fault = PopFrame(stack, size, frame)) {
    return fault;
  }
  if (Fault fault = LoadRealCode(context, frame.target.cs, frame.target.rip)) {
    return fault;
  }
  stack.CommitTo(state.gpr[kRsp]);
  LoadFlags(state, frame.flags,
            kAlwaysLoaded | kFlagIf | kFlagIopl | (size > 2 ? kLoadedByWide : 0));
  context.mmu.UpdateMode();
  return Fault::None();
}

// Within virtual-8086 mode. With VME and IOPL below 3 the 16-bit form works on VIF.
Fault ReturnInV86(Context& context, StackFrame& stack, u32 size) {
  CpuState& state = context.state;
  const bool has_vme = (state.cr4 & kCr4Vme) != 0 && size == 2;
  const bool is_trusted = state.Iopl() == 3;
  if (!is_trusted && !has_vme) {
    return Fault::Gp();
  }
  Frame frame;
  if (Fault fault = PopFrame(stack, size, frame)) {
    return fault;
  }
  const bool wants_if = (frame.flags & kFlagIf) != 0;
  const bool is_pending = wants_if && (state.rflags & kFlagVip) != 0;
  if (!is_trusted && (is_pending || (frame.flags & kFlagTf) != 0)) {
    return Fault::Gp();
  }
  if (Fault fault = LoadRealCode(context, frame.target.cs, frame.target.rip)) {
    return fault;
  }
  stack.CommitTo(state.gpr[kRsp]);
  LoadFlags(state, frame.flags, kAlwaysLoaded | (size > 2 ? kLoadedByWide : 0));
  const u64 interrupt_flag = is_trusted ? kFlagIf : kFlagVif;
  state.rflags = wants_if ? state.rflags | interrupt_flag : state.rflags & ~interrupt_flag;
  context.mmu.UpdateMode();
  return Fault::None();
}

Fault ReturnToV86(Context& context, StackFrame& stack, const Frame& frame) {
  CpuState& state = context.state;
  std::array<u64, 6> values;  // ESP, SS, ES, DS, FS, GS
  for (u64& value : values) {
    if (Fault fault = stack.Pop(value, 4)) {
      return fault;
    }
  }
  constexpr SegReg kRegisters[] = {SegReg::kSs, SegReg::kEs, SegReg::kDs,
                                   SegReg::kFs, SegReg::kGs, SegReg::kCs};
  for (size_t i = 0; i < 6; ++i) {
    const auto selector = i < 5 ? static_cast<u16>(values[i + 1]) : frame.target.cs;
    state.Seg(kRegisters[i]) = {u64{selector} << 4, 0xffff, selector, 0xf3};
  }
  state.gpr[kRsp] = values[0];
  state.rip = frame.target.rip & 0xffff;
  LoadFlags(state, frame.flags, LoadableFlags(state, 4) | kFlagVm);
  SetCpl(context, 3);
  return Fault::None();
}

Fault ReturnNested(Context& context, u64 next_rip) {
  std::array<std::byte, 2> link;
  if (Fault fault = context.mmu.ReadSystem(Gva(context.state.tr.base), link)) {
    return fault;
  }
  return SwitchTask(context, LoadLe<u16>(link.data()), TaskSwitchSource::kReturn, next_rip, 0,
                    std::nullopt);
}

Fault ReturnWithStack(Context& context, StackFrame& stack, u32 size, Frame& frame,
                      const Descriptor& code) {
  CpuState& state = context.state;
  u64 selector = 0;
  if (Fault fault = stack.Pop(frame.target.rsp, size)) {
    return fault;
  }
  if (Fault fault = stack.Pop(selector, size)) {
    return fault;
  }
  frame.target.ss = static_cast<u16>(selector);
  Segment ss;
  if (Fault fault = ReadReturnStack(context, frame.target, code, ss)) {
    return fault;
  }
  const u64 loadable = LoadableFlags(state, size);
  const bool is_outer = frame.target.cpl() > state.cpl;
  if (Fault fault =
          EnterCode(context, frame.target.cs, code, frame.target.rip, frame.target.cpl())) {
    return fault;
  }
  SetReturnStack(state, code, ss, frame.target.rsp);
  LoadFlags(state, frame.flags, loadable);
  if (is_outer) {
    DropInnerSegments(state);
  }
  context.mmu.UpdateMode();
  return Fault::None();
}

Fault ReturnProtected(Context& context, StackFrame& stack, u32 size) {
  CpuState& state = context.state;
  Frame frame;
  if (Fault fault = PopFrame(stack, size, frame)) {
    return fault;
  }
  const bool to_v86 = (frame.flags & kFlagVm) != 0 && size == 4 && state.cpl == 0;
  if (to_v86 && !state.InLongMode()) {
    return ReturnToV86(context, stack, frame);
  }
  Descriptor code;
  if (Fault fault = ReadReturnCode(context, frame.target, code)) {
    return fault;
  }
  if (state.In64BitMode() || frame.target.cpl() > state.cpl) {
    return ReturnWithStack(context, stack, size, frame, code);
  }
  if (Fault fault = EnterCode(context, frame.target.cs, code, frame.target.rip, state.cpl)) {
    return fault;
  }
  stack.CommitTo(state.gpr[kRsp]);
  LoadFlags(state, frame.flags, LoadableFlags(state, size));
  context.mmu.UpdateMode();
  return Fault::None();
}

}  // namespace

Fault InterruptReturn(Context& context, u32 operand_size, u64 next_rip) {
  CpuState& state = context.state;
  state.nmi_blocked = false;  // even where the return faults: SDM Vol. 3, 6.7.1
  StackFrame stack = StackFrame::Current(context);
  if (!state.InProtectedMode()) {
    return ReturnReal(context, stack, operand_size);
  }
  if (state.InVirtual8086()) {
    return ReturnInV86(context, stack, operand_size);
  }
  if ((state.rflags & kFlagNt) != 0) {
    return state.InLongMode() ? Fault::Gp() : ReturnNested(context, next_rip);
  }
  return ReturnProtected(context, stack, operand_size);
}

}  // namespace tandem::cpu
