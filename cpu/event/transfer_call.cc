// Far CALL.
#include <array>

#include "cpu/event/gate.h"
#include "cpu/event/task.h"
#include "cpu/event/transfer.h"
#include "cpu/event/transfer_checks.h"

namespace tandem::cpu {
namespace {

Fault PushReturn(const CpuState& state, StackFrame& frame, u64 next_rip, u32 size) {
  if (Fault fault = frame.Push(state.Seg(SegReg::kCs).selector, size)) {
    return fault;
  }
  return frame.Push(next_rip, size);
}

Fault CallSame(Context& context, u16 selector, const Descriptor& code, u64 offset, u32 size,
               u64 next_rip) {
  CpuState& state = context.state;
  if (Fault fault = CheckOffset(state, code, offset)) {
    return fault;
  }
  StackFrame frame = StackFrame::Current(context);
  if (Fault fault = PushReturn(state, frame, next_rip, size)) {
    return fault;
  }
  if (Fault fault = EnterCode(context, selector, code, offset, state.cpl)) {
    return fault;
  }
  frame.CommitTo(state.gpr[kRsp]);
  return Fault::None();
}

// The caller's parameters, the one pushed first deepest.
Fault CopyParameters(Context& context, const CallGate& gate, StackFrame& frame) {
  StackFrame old = StackFrame::Current(context);
  for (u32 i = gate.parameters; i-- > 0;) {
    u64 value = 0;
    if (Fault fault = old.Peek(u64{i} * gate.size, value, gate.size)) {
      return fault;
    }
    if (Fault fault = frame.Push(value, gate.size)) {
      return fault;
    }
  }
  return Fault::None();
}

Fault PushInnerFrame(Context& context, const CallGate& gate, StackFrame& frame, u64 next_rip) {
  const CpuState& state = context.state;
  if (Fault fault = frame.Push(state.Seg(SegReg::kSs).selector, gate.size)) {
    return fault;
  }
  if (Fault fault = frame.Push(state.gpr[kRsp], gate.size)) {
    return fault;
  }
  if (Fault fault = CopyParameters(context, gate, frame)) {
    return fault;
  }
  return PushReturn(state, frame, next_rip, gate.size);
}

Fault CallInner(Context& context, const CallGate& gate, u64 next_rip) {
  CpuState& state = context.state;
  const u8 cpl = gate.code.dpl();
  InnerStack stack;
  Descriptor ss;
  if (Fault fault = ReadInnerStack(context, cpl, 0, stack)) {
    return fault;
  }
  if (Fault fault = ReadInnerSegment(context, stack.selector, cpl, 0, ss)) {
    return fault;
  }
  const Segment segment = ss.ToSegment(stack.selector);
  StackFrame frame(context, segment, stack.sp, false, false, stack.selector & 0xfffcu);
  if (Fault fault = PushInnerFrame(context, gate, frame, next_rip)) {
    return fault;
  }
  if (Fault fault = MarkAccessed(context, ss)) {
    return fault;
  }
  if (Fault fault = EnterCode(context, gate.selector, gate.code, gate.offset, cpl)) {
    return fault;
  }
  state.Seg(SegReg::kSs) = segment;
  frame.CommitTo(state.gpr[kRsp]);
  return Fault::None();
}

Fault CallInner64(Context& context, const CallGate& gate, u64 next_rip) {
  CpuState& state = context.state;
  const u8 cpl = gate.code.dpl();
  u64 rsp = 0;
  if (Fault fault = ReadInnerStack64(context, cpl, 0, 0, rsp)) {
    return fault;
  }
  StackFrame frame(context, {}, rsp, false, true, 0);
  if (Fault fault = PushInnerFrame(context, gate, frame, next_rip)) {
    return fault;
  }
  if (Fault fault = EnterCode(context, gate.selector, gate.code, gate.offset, cpl)) {
    return fault;
  }
  state.Seg(SegReg::kSs) = {0, 0, cpl, 0};
  state.gpr[kRsp] = frame.sp();
  return Fault::None();
}

Fault CallThroughGate(Context& context, u16 selector, Descriptor& descriptor, u64 next_rip) {
  CallGate gate;
  if (Fault fault = ReadCallGate(context, selector, descriptor, gate)) {
    return fault;
  }
  if (gate.code.is_conforming() || gate.code.dpl() == context.state.cpl) {
    return CallSame(context, gate.selector, gate.code, gate.offset, gate.size, next_rip);
  }
  if (Fault fault = CheckOffset(context.state, gate.code, gate.offset)) {
    return fault;
  }
  return context.state.InLongMode() ? CallInner64(context, gate, next_rip)
                                    : CallInner(context, gate, next_rip);
}

Fault CallSystem(Context& context, u16 selector, Descriptor& descriptor, u64 next_rip) {
  const u8 type = descriptor.type();
  const bool is_long = context.state.InLongMode();
  if (type == kCallGate32 || (type == kCallGate16 && !is_long)) {
    return CallThroughGate(context, selector, descriptor, next_rip);
  }
  const bool is_task = type == kTaskGate || type == kTss16Available || type == kTss32Available;
  if (!is_task || is_long) {
    return SelectorFault(Vector::kGp, selector);
  }
  u16 tss_selector = 0;
  if (Fault fault = ReadTaskTarget(context.state, selector, descriptor, tss_selector)) {
    return fault;
  }
  return SwitchTask(context, tss_selector, TaskSwitchSource::kCall, next_rip, 0, std::nullopt);
}

Fault CallReal(Context& context, u16 selector, u64 offset, u32 size, u64 next_rip) {
  CpuState& state = context.state;
  StackFrame frame = StackFrame::Current(context);
  if (Fault fault = PushReturn(state, frame, next_rip, size)) {
    return fault;
  }
  if (Fault fault = LoadRealCode(context, selector, offset)) {
    return fault;
  }
  frame.CommitTo(state.gpr[kRsp]);
  return Fault::None();
}

}  // namespace

Fault FarCall(Context& context, u16 selector, u64 offset, u32 operand_size, u64 next_rip) {
  offset &= OperandMask(operand_size);
  if (context.state.HasRealSegments()) {
    return CallReal(context, selector, offset, operand_size, next_rip);
  }
  if (IsNullSelector(selector)) {
    return Fault::Gp();
  }
  Descriptor descriptor;
  if (Fault fault = ReadDescriptor(context, selector, Vector::kGp, 0, descriptor)) {
    return fault;
  }
  if (descriptor.is_system()) {
    return CallSystem(context, selector, descriptor, next_rip);
  }
  if (Fault fault = CheckDirectCode(context.state, selector, descriptor)) {
    return fault;
  }
  return CallSame(context, selector, descriptor, offset, operand_size, next_rip);
}

}  // namespace tandem::cpu
