#include "cpu/event/segment.h"

#include "cpu/event/descriptor.h"

namespace tandem::cpu {
namespace {

constexpr u16 kRealRights =
    0x93;                         // present, writable, accessed; limit, G and D/B stay ("big real")
constexpr u16 kV86Rights = 0xf3;  // the same at DPL 3
constexpr u16 kSizeBits = 0xc000;  // G and D/B

void LoadReal(CpuState& state, SegReg reg, u16 selector) {
  Segment& segment = state.Seg(reg);
  segment.selector = selector;
  segment.base = u64{selector} << 4;
  if (state.InVirtual8086()) {
    segment.limit = 0xffff;
    segment.attributes = kV86Rights;
  } else {
    segment.limit = segment.attributes == 0 ? 0xffff : segment.limit;  // it was null
    segment.attributes = (segment.attributes & kSizeBits) | kRealRights;
  }
}

Fault LoadNull(CpuState& state, SegReg reg, u16 selector) {
  const bool is_allowed =
      reg != SegReg::kSs || (state.In64BitMode() && state.cpl != 3 && (selector & 3) == state.cpl);
  if (!is_allowed) {
    return Fault::Gp();
  }
  state.Seg(reg) = {0, 0, selector, 0};
  return Fault::None();
}

// SDM Vol. 2, MOV: "IF SS is loaded".
Fault CheckStack(const CpuState& state, u16 selector, const Descriptor& descriptor) {
  const bool is_allowed =
      (selector & 3) == state.cpl && descriptor.is_writable_data() && descriptor.dpl() == state.cpl;
  if (!is_allowed) {
    return SelectorFault(Vector::kGp, selector);
  }
  return descriptor.is_present() ? Fault::None() : SelectorFault(Vector::kSs, selector);
}

Fault CheckData(const CpuState& state, u16 selector, const Descriptor& descriptor) {
  if (descriptor.is_system() || !descriptor.is_readable()) {
    return SelectorFault(Vector::kGp, selector);
  }
  const bool has_privilege = descriptor.is_conforming() ||
                             (descriptor.dpl() >= state.cpl && descriptor.dpl() >= (selector & 3));
  if (!has_privilege) {
    return SelectorFault(Vector::kGp, selector);
  }
  return descriptor.is_present() ? Fault::None() : SelectorFault(Vector::kNp, selector);
}

// LDTR and TR: from the GDT only, 16 bytes in long mode.
Fault ReadSystemDescriptor(Context& context, u16 selector, Descriptor& descriptor) {
  if ((selector & 4) != 0) {
    return SelectorFault(Vector::kGp, selector);
  }
  if (Fault fault = ReadDescriptor(context, selector, Vector::kGp, 0, descriptor)) {
    return fault;
  }
  if (!descriptor.is_system()) {
    return SelectorFault(Vector::kGp, selector);
  }
  if (!context.state.InLongMode()) {
    return Fault::None();
  }
  if (Fault fault = ReadUpperHalf(context, selector, Vector::kGp, 0, descriptor)) {
    return fault;
  }
  return IsCanonicalBase(context, descriptor.base()) ? Fault::None()
                                                     : SelectorFault(Vector::kGp, selector);
}

}  // namespace

Fault LoadSegment(Context& context, SegReg reg, u16 selector) {
  CpuState& state = context.state;
  if (state.HasRealSegments()) {
    LoadReal(state, reg, selector);
    return Fault::None();
  }
  if (IsNullSelector(selector)) {
    return LoadNull(state, reg, selector);
  }
  Descriptor descriptor;
  if (Fault fault = ReadDescriptor(context, selector, Vector::kGp, 0, descriptor)) {
    return fault;
  }
  Fault fault = reg == SegReg::kSs ? CheckStack(state, selector, descriptor)
                                   : CheckData(state, selector, descriptor);
  if (!fault) {
    fault = MarkAccessed(context, descriptor);
  }
  if (!fault) {
    state.Seg(reg) = descriptor.ToSegment(selector);
  }
  return fault;
}

Fault LoadLdtr(Context& context, u16 selector) {
  if (IsNullSelector(selector)) {
    context.state.ldtr = {0, 0, selector, 0};
    return Fault::None();
  }
  Descriptor descriptor;
  if (Fault fault = ReadSystemDescriptor(context, selector, descriptor)) {
    return fault;
  }
  if (descriptor.type() != kLdt) {
    return SelectorFault(Vector::kGp, selector);
  }
  if (!descriptor.is_present()) {
    return SelectorFault(Vector::kNp, selector);
  }
  context.state.ldtr = descriptor.ToSegment(selector);
  return Fault::None();
}

Fault LoadTr(Context& context, u16 selector) {
  if (IsNullSelector(selector)) {
    return Fault::Gp();
  }
  Descriptor descriptor;
  if (Fault fault = ReadSystemDescriptor(context, selector, descriptor)) {
    return fault;
  }
  const u8 type = descriptor.type();
  const bool is_tss =
      type == kTss32Available || (type == kTss16Available && !context.state.InLongMode());
  if (!is_tss) {
    return SelectorFault(Vector::kGp, selector);
  }
  if (!descriptor.is_present()) {
    return SelectorFault(Vector::kNp, selector);
  }
  if (Fault fault = SetBusy(context, descriptor, true)) {
    return fault;
  }
  context.state.tr = descriptor.ToSegment(selector);
  context.state.tr.attributes |= 2;
  return Fault::None();
}

}  // namespace tandem::cpu
