// Delivery through 16- and 32-bit gates of the IDT. SDM Vol. 2, INT n; Vol. 3, 6.12.
#include <array>

#include "cpu/event/gate.h"
#include "cpu/event/stack_frame.h"
#include "cpu/event/task.h"

namespace tandem::cpu {
namespace {

Fault ReadGate(Context& context, const Event& event, Descriptor& gate) {
  const CpuState& state = context.state;
  const u32 code = event.vector * 8u + 2 + event.ext();
  if (event.vector * 8u + 7 > state.idtr.limit) {
    return Fault::Gp(code);
  }
  std::array<std::byte, 8> bytes;
  const u64 address = (state.idtr.base + event.vector * 8u) & 0xffffffff;
  if (Fault fault = context.mmu.ReadSystem(Gva(address), bytes)) {
    return fault;
  }
  std::memcpy(&gate.low, bytes.data(), 4);
  std::memcpy(&gate.high, bytes.data() + 4, 4);
  const u8 type = gate.type();
  const bool is_gate = gate.is_system() && (type == kTaskGate || (type & 7) >= kInterruptGate16);
  if (!is_gate || (event.is_software && gate.dpl() < state.cpl)) {
    return Fault::Gp(code);
  }
  return gate.is_present() ? Fault::None() : Fault::WithCode(Vector::kNp, code);
}

// What the handler finds on its stack, in the order of pushes.
struct Image {
  std::array<u64, 10> values;
  size_t count = 0;
  void Add(u64 value) { values[count++] = value; }
};

void AddSegmentsOfV86(const CpuState& state, Image& image) {
  for (const SegReg reg : {SegReg::kGs, SegReg::kFs, SegReg::kDs, SegReg::kEs}) {
    image.Add(state.Seg(reg).selector);
  }
}

Image BuildImage(const CpuState& state, const Event& event, bool switches_stack) {
  Image image;
  if (state.InVirtual8086()) {
    AddSegmentsOfV86(state, image);
  }
  if (switches_stack) {
    image.Add(state.Seg(SegReg::kSs).selector);
    image.Add(state.gpr[kRsp]);
  }
  image.Add(state.rflags | (event.pushes_rf ? kFlagRf : 0));
  image.Add(state.Seg(SegReg::kCs).selector);
  image.Add(event.return_rip);
  if (event.error_code) {
    image.Add(*event.error_code);
  }
  return image;
}

Fault PushAll(StackFrame& frame, const Image& image, u32 size) {
  for (size_t i = 0; i < image.count; ++i) {
    if (Fault fault = frame.Push(image.values[i], size)) {
      return fault;
    }
  }
  return Fault::None();
}

void LeaveV86(CpuState& state) {
  for (const SegReg reg : {SegReg::kGs, SegReg::kFs, SegReg::kDs, SegReg::kEs}) {
    state.Seg(reg) = {};
  }
}

void EnterHandler(Context& context, const Descriptor& gate, const Descriptor& code, u8 new_cpl) {
  CpuState& state = context.state;
  if (state.InVirtual8086()) {
    LeaveV86(state);
  }
  const auto selector = static_cast<u16>((gate.gate_selector() & ~3) | new_cpl);
  state.Seg(SegReg::kCs) = code.ToSegment(selector);
  const bool is_32bit = (gate.type() & 8) != 0;
  state.rip = gate.gate_offset() & (is_32bit ? 0xffffffff : 0xffff);
  state.rflags &= ~(kFlagTf | kFlagNt | kFlagRf | kFlagVm);
  if ((gate.type() & 1) == 0) {
    state.rflags &= ~kFlagIf;
  }
  SetCpl(context, new_cpl);
}

Fault DeliverInner(Context& context, const Event& event, const Descriptor& gate,
                   const Descriptor& code) {
  CpuState& state = context.state;
  const u8 new_cpl = code.dpl();
  InnerStack stack;
  Descriptor ss;
  if (Fault fault = ReadInnerStack(context, new_cpl, event.ext(), stack)) {
    return fault;
  }
  if (Fault fault = ReadInnerSegment(context, stack.selector, new_cpl, event.ext(), ss)) {
    return fault;
  }
  const Segment segment = ss.ToSegment(stack.selector);
  StackFrame frame(context, segment, stack.sp, false, false,
                   (stack.selector & 0xfffcu) | event.ext());
  const u32 size = (gate.type() & 8) != 0 ? 4 : 2;
  // The frame's checks are those of protected mode even where virtual-8086 mode is left.
  if (Fault fault = PushAll(frame, BuildImage(state, event, true), size)) {
    return fault;
  }
  if (Fault fault = MarkAccessed(context, ss)) {
    return fault;
  }
  state.Seg(SegReg::kSs) = segment;
  frame.CommitTo(state.gpr[kRsp]);
  EnterHandler(context, gate, code, new_cpl);
  return Fault::None();
}

Fault DeliverSame(Context& context, const Event& event, const Descriptor& gate,
                  const Descriptor& code) {
  StackFrame frame = StackFrame::Current(context, event.ext());
  const u32 size = (gate.type() & 8) != 0 ? 4 : 2;
  if (Fault fault = PushAll(frame, BuildImage(context.state, event, false), size)) {
    return fault;
  }
  frame.CommitTo(context.state.gpr[kRsp]);
  EnterHandler(context, gate, code, context.state.cpl);
  return Fault::None();
}

}  // namespace

Fault DeliverProtected(Context& context, const Event& event) {
  CpuState& state = context.state;
  Descriptor gate;
  if (Fault fault = ReadGate(context, event, gate)) {
    return fault;
  }
  if (gate.type() == kTaskGate) {
    return SwitchTask(context, gate.gate_selector(), TaskSwitchSource::kInterrupt, event.return_rip,
                      event.ext(), event.error_code);
  }
  Descriptor code;
  if (Fault fault = ReadGateCode(context, gate.gate_selector(), event.ext(), code)) {
    return fault;
  }
  const bool is_inner = !code.is_conforming() && code.dpl() < state.cpl;
  if (state.InVirtual8086() && (!is_inner || code.dpl() != 0)) {
    return SelectorFault(Vector::kGp, gate.gate_selector(), event.ext());
  }
  const u64 offset = gate.gate_offset() & ((gate.type() & 8) != 0 ? 0xffffffff : 0xffff);
  if (offset > code.limit()) {
    return Fault::Gp(event.ext());
  }
  if (Fault fault = MarkAccessed(context, code)) {
    return fault;
  }
  return is_inner ? DeliverInner(context, event, gate, code)
                  : DeliverSame(context, event, gate, code);
}

}  // namespace tandem::cpu
