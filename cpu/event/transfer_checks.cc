#include "cpu/event/transfer_checks.h"

#include <algorithm>

namespace tandem::cpu {
namespace {

bool HasBadSize(const CpuState& state, const Descriptor& code) {
  return state.InLongMode() && code.is_long() && code.is_big();
}

bool HasGatePrivilege(const CpuState& state, u16 selector, const Descriptor& gate) {
  return gate.dpl() >= std::max<u8>(state.cpl, selector & 3);
}

}  // namespace

Fault LoadRealCode(Context& context, u16 selector, u64 rip) {
  CpuState& state = context.state;
  Segment& cs = state.Seg(SegReg::kCs);
  if (rip > cs.limit) {
    return Fault::Gp();
  }
  cs.selector = selector;
  cs.base = u64{selector} << 4;
  state.rip = rip;
  return Fault::None();
}

Fault CheckDirectCode(const CpuState& state, u16 selector, const Descriptor& code) {
  const bool has_privilege = code.is_conforming()
                                 ? code.dpl() <= state.cpl
                                 : code.dpl() == state.cpl && (selector & 3) <= state.cpl;
  if (!code.is_code() || !has_privilege || HasBadSize(state, code)) {
    return SelectorFault(Vector::kGp, selector);
  }
  return code.is_present() ? Fault::None() : SelectorFault(Vector::kNp, selector);
}

Fault CheckOffset(const CpuState& state, const Descriptor& code, u64 offset) {
  const bool is_64bit = state.InLongMode() && code.is_long();
  const bool is_good = is_64bit ? IsCanonical(state, offset) : offset <= code.limit();
  return is_good ? Fault::None() : Fault::Gp();
}

Fault EnterCode(Context& context, u16 selector, const Descriptor& code, u64 rip, u8 cpl) {
  if (Fault fault = MarkAccessed(context, code)) {
    return fault;
  }
  context.state.Seg(SegReg::kCs) = code.ToSegment(static_cast<u16>((selector & ~3) | cpl));
  context.state.rip = rip;
  SetCpl(context, cpl);
  return Fault::None();
}

Fault ReadCallGate(Context& context, u16 selector, Descriptor& gate, CallGate& out) {
  const CpuState& state = context.state;
  const bool is_long = state.InLongMode();
  if (!HasGatePrivilege(state, selector, gate)) {
    return SelectorFault(Vector::kGp, selector);
  }
  if (is_long) {
    if (Fault fault = ReadUpperHalf(context, selector, Vector::kGp, 0, gate)) {
      return fault;
    }
  }
  if (!gate.is_present()) {
    return SelectorFault(Vector::kNp, selector);
  }
  out.selector = gate.gate_selector();
  out.size = is_long ? 8 : (gate.type() == kCallGate32 ? 4 : 2);
  out.offset = gate.gate_offset() & OperandMask(out.size);
  out.parameters = is_long ? 0 : gate.high & 0x1f;
  if (IsNullSelector(out.selector)) {
    return Fault::Gp();
  }
  if (Fault fault = ReadDescriptor(context, out.selector, Vector::kGp, 0, out.code)) {
    return fault;
  }
  const bool is_wrong_size = is_long && (!out.code.is_long() || out.code.is_big());
  if (!out.code.is_code() || out.code.dpl() > state.cpl || is_wrong_size) {
    return SelectorFault(Vector::kGp, out.selector);
  }
  return out.code.is_present() ? Fault::None() : SelectorFault(Vector::kNp, out.selector);
}

Fault ReadTaskTarget(const CpuState& state, u16 selector, const Descriptor& descriptor,
                     u16& tss_selector) {
  if (!HasGatePrivilege(state, selector, descriptor)) {
    return SelectorFault(Vector::kGp, selector);
  }
  tss_selector = selector;
  if (descriptor.type() != kTaskGate) {
    return Fault::None();
  }
  tss_selector = descriptor.gate_selector();
  return descriptor.is_present() ? Fault::None() : SelectorFault(Vector::kNp, selector);
}

Fault ReadReturnCode(Context& context, const ReturnTarget& target, Descriptor& code) {
  const CpuState& state = context.state;
  if (IsNullSelector(target.cs)) {
    return Fault::Gp();
  }
  if (Fault fault = ReadDescriptor(context, target.cs, Vector::kGp, 0, code)) {
    return fault;
  }
  const bool has_privilege =
      code.is_conforming() ? code.dpl() <= target.cpl() : code.dpl() == target.cpl();
  if (!code.is_code() || target.cpl() < state.cpl || !has_privilege || HasBadSize(state, code)) {
    return SelectorFault(Vector::kGp, target.cs);
  }
  if (!code.is_present()) {
    return SelectorFault(Vector::kNp, target.cs);
  }
  return CheckOffset(state, code, target.rip);
}

Fault ReadReturnStack(Context& context, const ReturnTarget& target, const Descriptor& code,
                      Segment& ss) {
  const bool to_64bit = context.state.InLongMode() && code.is_long();
  if (IsNullSelector(target.ss)) {
    ss = {0, 0, target.ss, 0};
    const bool is_allowed = to_64bit && target.cpl() != 3 && (target.ss & 3) == target.cpl();
    return is_allowed ? Fault::None() : Fault::Gp();
  }
  Descriptor descriptor;
  if (Fault fault = ReadDescriptor(context, target.ss, Vector::kGp, 0, descriptor)) {
    return fault;
  }
  const bool is_good = (target.ss & 3) == target.cpl() && descriptor.is_writable_data() &&
                       descriptor.dpl() == target.cpl();
  if (!is_good) {
    return SelectorFault(Vector::kGp, target.ss);
  }
  if (!descriptor.is_present()) {
    return SelectorFault(Vector::kSs, target.ss);
  }
  ss = descriptor.ToSegment(target.ss);
  return MarkAccessed(context, descriptor);
}

void SetReturnStack(CpuState& state, const Descriptor& code, const Segment& ss, u64 rsp) {
  state.Seg(SegReg::kSs) = ss;
  if (state.InLongMode() && code.is_long()) {
    state.gpr[kRsp] = rsp;
  } else if (ss.is_big()) {
    state.gpr[kRsp] = rsp & 0xffffffff;
  } else {
    state.gpr[kRsp] = (state.gpr[kRsp] & ~u64{0xffff}) | (rsp & 0xffff);
  }
}

void DropInnerSegments(CpuState& state) {
  for (const SegReg reg : {SegReg::kEs, SegReg::kDs, SegReg::kFs, SegReg::kGs}) {
    Segment& segment = state.Seg(reg);
    const bool is_null = segment.attributes == 0;
    if (!is_null && !segment.is_conforming() && segment.dpl() < state.cpl) {
      // The base of FS and GS is a register of its own in long mode.
      segment = {state.InLongMode() ? segment.base : 0, 0, 0, 0};
    }
  }
}

}  // namespace tandem::cpu
