// Far JMP.
#include "cpu/event/task.h"
#include "cpu/event/transfer.h"
#include "cpu/event/transfer_checks.h"

namespace tandem::cpu {
namespace {

Fault JumpThroughGate(Context& context, u16 selector, Descriptor& descriptor) {
  CallGate gate;
  if (Fault fault = ReadCallGate(context, selector, descriptor, gate)) {
    return fault;
  }
  const CpuState& state = context.state;
  if (!gate.code.is_conforming() && gate.code.dpl() != state.cpl) {
    return SelectorFault(Vector::kGp, gate.selector);
  }
  if (Fault fault = CheckOffset(state, gate.code, gate.offset)) {
    return fault;
  }
  return EnterCode(context, gate.selector, gate.code, gate.offset, state.cpl);
}

Fault JumpToSystem(Context& context, u16 selector, Descriptor& descriptor, u64 next_rip) {
  const u8 type = descriptor.type();
  const bool is_long = context.state.InLongMode();
  if (type == kCallGate32 || (type == kCallGate16 && !is_long)) {
    return JumpThroughGate(context, selector, descriptor);
  }
  const bool is_task = type == kTaskGate || type == kTss16Available || type == kTss32Available;
  if (!is_task || is_long) {
    return SelectorFault(Vector::kGp, selector);
  }
  u16 tss_selector = 0;
  if (Fault fault = ReadTaskTarget(context.state, selector, descriptor, tss_selector)) {
    return fault;
  }
  return SwitchTask(context, tss_selector, TaskSwitchSource::kJump, next_rip, 0, std::nullopt);
}

}  // namespace

Fault FarJump(Context& context, u16 selector, u64 offset, u32 operand_size, u64 next_rip) {
  offset &= OperandMask(operand_size);
  if (context.state.HasRealSegments()) {
    return LoadRealCode(context, selector, offset);
  }
  if (IsNullSelector(selector)) {
    return Fault::Gp();
  }
  Descriptor descriptor;
  if (Fault fault = ReadDescriptor(context, selector, Vector::kGp, 0, descriptor)) {
    return fault;
  }
  if (descriptor.is_system()) {
    return JumpToSystem(context, selector, descriptor, next_rip);
  }
  if (Fault fault = CheckDirectCode(context.state, selector, descriptor)) {
    return fault;
  }
  if (Fault fault = CheckOffset(context.state, descriptor, offset)) {
    return fault;
  }
  return EnterCode(context, selector, descriptor, offset, context.state.cpl);
}

}  // namespace tandem::cpu
