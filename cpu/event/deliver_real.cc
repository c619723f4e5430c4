// Delivery through the interrupt vector table: real mode, and VME's redirected INT n.
#include <array>

#include "base/bits.h"
#include "cpu/event/gate.h"
#include "cpu/event/stack_frame.h"

namespace tandem::cpu {
namespace {

constexpr u16 kRedirectionBytes = 32;

Fault Enter(Context& context, u64 table, const Event& event, u16 flags_image) {
  CpuState& state = context.state;
  std::array<std::byte, 4> vector;
  if (Fault fault = context.mmu.ReadSystem(Gva(table + 4 * event.vector), vector)) {
    return fault;
  }
  StackFrame frame = StackFrame::Current(context);
  for (const u64 value :
       {u64{flags_image}, u64{state.Seg(SegReg::kCs).selector}, event.return_rip & 0xffff}) {
    if (Fault fault = frame.Push(value, 2)) {
      return fault;
    }
  }
  frame.CommitTo(state.gpr[kRsp]);
  const u16 selector = LoadLe<u16>(vector.data() + 2);
  state.Seg(SegReg::kCs).selector = selector;
  state.Seg(SegReg::kCs).base = u64{selector} << 4;
  state.rip = LoadLe<u16>(vector.data());
  return Fault::None();
}

}  // namespace

Fault DeliverReal(Context& context, const Event& event) {
  CpuState& state = context.state;
  if (4u * event.vector + 3 > state.idtr.limit) {
    return Fault::Gp(event.vector * 8u + 2 + event.ext());
  }
  if (Fault fault = Enter(context, state.idtr.base, event, static_cast<u16>(state.rflags))) {
    return fault;
  }
  state.rflags &= ~(kFlagIf | kFlagTf | kFlagAc | kFlagRf);
  context.mmu.UpdateMode();
  return Fault::None();
}

Fault IsRedirected(Context& context, u8 vector, bool& is_redirected) {
  const Segment& tr = context.state.tr;
  std::array<std::byte, 2> bytes;
  is_redirected = false;
  if (tr.limit < 0x67) {
    return Fault::Gp();
  }
  if (Fault fault = context.mmu.ReadSystem(Gva(tr.base + 0x66), bytes)) {
    return fault;
  }
  const u32 offset = LoadLe<u16>(bytes.data()) - kRedirectionBytes + vector / 8;
  if (offset > tr.limit) {
    return Fault::Gp();
  }
  if (Fault fault = context.mmu.ReadSystem(Gva(tr.base + offset), std::span(bytes).first(1))) {
    return fault;
  }
  is_redirected = !Bit(static_cast<u8>(bytes[0]), vector % 8);
  return Fault::None();
}

Fault DeliverRedirected(Context& context, const Event& event) {
  CpuState& state = context.state;
  u64 image = state.rflags;
  u64 cleared = kFlagIf;
  if (state.Iopl() < 3) {
    image = WithBit(image, 9, (state.rflags & kFlagVif) != 0) | kFlagIopl;
    cleared = kFlagVif;
  }
  if (Fault fault = Enter(context, 0, event, static_cast<u16>(image))) {
    return fault;
  }
  state.rflags &= ~(cleared | kFlagTf | kFlagRf);
  return Fault::None();
}

}  // namespace tandem::cpu
