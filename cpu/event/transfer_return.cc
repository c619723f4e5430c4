// Far RET.
#include "cpu/event/transfer.h"
#include "cpu/event/transfer_checks.h"

namespace tandem::cpu {
namespace {

Fault PopCode(StackFrame& frame, u32 size, ReturnTarget& target) {
  u64 selector = 0;
  if (Fault fault = frame.Pop(target.rip, size)) {
    return fault;
  }
  if (Fault fault = frame.Pop(selector, size)) {
    return fault;
  }
  target.cs = static_cast<u16>(selector);
  return Fault::None();
}

Fault PopStack(StackFrame& frame, u32 size, ReturnTarget& target) {
  u64 selector = 0;
  if (Fault fault = frame.Pop(target.rsp, size)) {
    return fault;
  }
  if (Fault fault = frame.Pop(selector, size)) {
    return fault;
  }
  target.ss = static_cast<u16>(selector);
  return Fault::None();
}

Fault ReturnOuter(Context& context, StackFrame& frame, u32 size, u16 release_bytes,
                  ReturnTarget& target, const Descriptor& code) {
  CpuState& state = context.state;
  if (Fault fault = PopStack(frame, size, target)) {
    return fault;
  }
  Segment ss;
  if (Fault fault = ReadReturnStack(context, target, code, ss)) {
    return fault;
  }
  if (Fault fault = EnterCode(context, target.cs, code, target.rip, target.cpl())) {
    return fault;
  }
  SetReturnStack(state, code, ss, target.rsp + release_bytes);
  DropInnerSegments(state);
  return Fault::None();
}

}  // namespace

Fault FarReturn(Context& context, u32 operand_size, u16 release_bytes) {
  CpuState& state = context.state;
  StackFrame frame = StackFrame::Current(context);
  ReturnTarget target;
  if (Fault fault = PopCode(frame, operand_size, target)) {
    return fault;
  }
  frame.Skip(release_bytes);
  if (state.HasRealSegments()) {
    if (Fault fault = LoadRealCode(context, target.cs, target.rip)) {
      return fault;
    }
    frame.CommitTo(state.gpr[kRsp]);
    return Fault::None();
  }
  Descriptor code;
  if (Fault fault = ReadReturnCode(context, target, code)) {
    return fault;
  }
  if (target.cpl() > state.cpl) {
    return ReturnOuter(context, frame, operand_size, release_bytes, target, code);
  }
  if (Fault fault = EnterCode(context, target.cs, code, target.rip, state.cpl)) {
    return fault;
  }
  frame.CommitTo(state.gpr[kRsp]);
  return Fault::None();
}

}  // namespace tandem::cpu
