// Delivery in long mode: 16-byte gates, IST, always five or six quadwords on an aligned stack.
// SDM Vol. 3, 6.14.
#include <array>

#include "base/bits.h"
#include "cpu/event/gate.h"
#include "cpu/event/stack_frame.h"

namespace tandem::cpu {
namespace {

Fault ReadGate(Context& context, const Event& event, Descriptor& gate) {
  const CpuState& state = context.state;
  const u32 code = event.vector * 8u + 2 + event.ext();
  if (event.vector * 16u + 15 > state.idtr.limit) {
    return Fault::Gp(code);
  }
  std::array<std::byte, 16> bytes;
  if (Fault fault = context.mmu.ReadSystem(Gva(state.idtr.base + event.vector * 16u), bytes)) {
    return fault;
  }
  gate.low = LoadLe<u32>(bytes.data());
  gate.high = LoadLe<u32>(bytes.data() + 4);
  gate.base_high = LoadLe<u32>(bytes.data() + 8);
  const bool is_gate =
      gate.is_system() && (gate.type() == kInterruptGate32 || gate.type() == kTrapGate32);
  if (!is_gate || (event.is_software && gate.dpl() < state.cpl)) {
    return Fault::Gp(code);
  }
  return gate.is_present() ? Fault::None() : Fault::WithCode(Vector::kNp, code);
}

Fault ChooseStack(Context& context, const Event& event, u8 new_cpl, u8 ist, u64& rsp) {
  const CpuState& state = context.state;
  if (new_cpl != state.cpl || ist != 0) {
    return ReadInnerStack64(context, new_cpl, ist, event.ext(), rsp);
  }
  rsp = state.gpr[kRsp];
  return Fault::None();
}

Fault PushImage(const CpuState& state, const Event& event, StackFrame& frame) {
  const u64 flags = state.rflags | (event.pushes_rf ? kFlagRf : 0);
  for (const u64 value : {u64{state.Seg(SegReg::kSs).selector}, state.gpr[kRsp], flags,
                          u64{state.Seg(SegReg::kCs).selector}, event.return_rip}) {
    if (Fault fault = frame.Push(value, 8)) {
      return fault;
    }
  }
  return event.error_code ? frame.Push(*event.error_code, 8) : Fault::None();
}

}  // namespace

Fault DeliverLong(Context& context, const Event& event) {
  CpuState& state = context.state;
  Descriptor gate;
  Descriptor code;
  if (Fault fault = ReadGate(context, event, gate)) {
    return fault;
  }
  if (Fault fault = ReadGateCode(context, gate.gate_selector(), event.ext(), code)) {
    return fault;
  }
  if (!IsCanonical(state, gate.gate_offset())) {
    return Fault::Gp(event.ext());
  }
  const u8 new_cpl = code.is_conforming() ? state.cpl : code.dpl();
  u64 rsp = 0;
  if (Fault fault = ChooseStack(context, event, new_cpl, gate.gate_ist(), rsp)) {
    return fault;
  }
  StackFrame frame(context, {}, rsp & ~u64{15}, new_cpl == 3, true, event.ext());
  if (Fault fault = PushImage(state, event, frame)) {
    return fault;
  }
  if (Fault fault = MarkAccessed(context, code)) {
    return fault;
  }
  if (new_cpl != state.cpl) {
    state.Seg(SegReg::kSs) = {0, 0, new_cpl, 0};
  }
  state.gpr[kRsp] = frame.sp();
  state.Seg(SegReg::kCs) = code.ToSegment(static_cast<u16>((gate.gate_selector() & ~3) | new_cpl));
  state.rip = gate.gate_offset();
  state.rflags &= ~(kFlagTf | kFlagNt | kFlagRf | kFlagVm);
  if (gate.type() == kInterruptGate32) {
    state.rflags &= ~kFlagIf;
  }
  SetCpl(context, new_cpl);
  return Fault::None();
}

}  // namespace tandem::cpu
