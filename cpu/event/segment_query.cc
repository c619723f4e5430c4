// LAR, LSL, VERR, VERW and the check of each data access.
#include "cpu/event/descriptor.h"
#include "cpu/event/segment.h"
#include "cpu/event/stack_frame.h"

namespace tandem::cpu {
namespace {

// Bit n: the instruction accepts system descriptors of type n. SDM Vol. 2, LAR and LSL.
constexpr u32 kRightsTypes = 0x1a3e;  // 1-5, 9, 11, 12
constexpr u32 kRightsTypesLong = 0x1a04;
constexpr u32 kLimitTypes = 0x0a0e;  // 1-3, 9, 11
constexpr u32 kLimitTypesLong = 0x0a04;

// Reads the descriptor if the selector is usable at the present privilege.
Fault Query(Context& context, u16 selector, bool& found, Descriptor& descriptor) {
  found = false;
  if (context.state.HasRealSegments()) {
    return Fault::Ud();
  }
  if (IsNullSelector(selector)) {
    return Fault::None();
  }
  if (Fault fault = ReadDescriptor(context, selector, Vector::kGp, 0, descriptor)) {
    return fault.vector == Vector::kPf ? fault : Fault::None();
  }
  found = descriptor.is_conforming() ||
          (descriptor.dpl() >= context.state.cpl && descriptor.dpl() >= (selector & 3));
  return Fault::None();
}

bool Accepts(const Context& context, const Descriptor& descriptor, u32 types, u32 types_long) {
  const u32 accepted = context.state.InLongMode() ? types_long : types;
  return !descriptor.is_system() || ((accepted >> descriptor.type()) & 1) != 0;
}

bool AllowsAccess(const Segment& segment, AccessKind kind) {
  if (!segment.is_present()) {
    return false;
  }
  return kind == AccessKind::kWrite ? segment.is_writable() : segment.is_readable();
}

}  // namespace

Fault ReadAccessRights(Context& context, u16 selector, bool& valid, u32& rights) {
  Descriptor descriptor;
  if (Fault fault = Query(context, selector, valid, descriptor)) {
    return fault;
  }
  valid = valid && Accepts(context, descriptor, kRightsTypes, kRightsTypesLong);
  rights = valid ? descriptor.high & 0x00ffff00 : rights;
  return Fault::None();
}

Fault ReadSegmentLimit(Context& context, u16 selector, bool& valid, u32& limit) {
  Descriptor descriptor;
  if (Fault fault = Query(context, selector, valid, descriptor)) {
    return fault;
  }
  valid = valid && Accepts(context, descriptor, kLimitTypes, kLimitTypesLong);
  limit = valid ? descriptor.limit() : limit;
  return Fault::None();
}

Fault VerifySegment(Context& context, u16 selector, bool for_write, bool& valid) {
  Descriptor descriptor;
  if (Fault fault = Query(context, selector, valid, descriptor)) {
    return fault;
  }
  valid = valid && !descriptor.is_system() &&
          (for_write ? descriptor.is_writable_data() : descriptor.is_readable());
  return Fault::None();
}

Fault CheckSegment(const CpuState& state, SegReg reg, u64 offset, u32 size, AccessKind kind) {
  const Segment& segment = state.Seg(reg);
  const bool has_rights =
      kind == AccessKind::kExecute || state.HasRealSegments() || AllowsAccess(segment, kind);
  if (has_rights && IsInLimit(segment, offset, size)) [[likely]] {
    return Fault::None();
  }
  return Fault::WithCode(reg == SegReg::kSs ? Vector::kSs : Vector::kGp, 0);
}

}  // namespace tandem::cpu
