// PUSH and POP on the current stack.
#include "cpu/event/segment.h"

namespace tandem::cpu {
namespace {

u64 StackMask(const CpuState& state) {
  if (state.In64BitMode()) {
    return ~u64{0};
  }
  return state.Seg(SegReg::kSs).is_big() ? 0xffffffff : 0xffff;
}

void SetStackPointer(CpuState& state, u64 sp, u64 mask) {
  const u64 kept = mask == 0xffff ? state.gpr[kRsp] & ~u64{0xffff} : 0;
  state.gpr[kRsp] = kept | (sp & mask);
}

Fault AsStackFault(Fault fault) {
  return fault.vector == Vector::kGp ? Fault::WithCode(Vector::kSs, 0) : fault;
}

Fault Locate(const CpuState& state, u64 sp, u32 size, AccessKind kind, Gva& linear) {
  linear = Gva(sp);
  if (state.In64BitMode()) {
    return Fault::None();
  }
  linear = Gva((state.Seg(SegReg::kSs).base + sp) & 0xffffffff);
  return CheckSegment(state, SegReg::kSs, sp, size, kind);
}

Fault WriteSized(Mmu& mmu, Gva linear, u64 value, u32 size) {
  switch (size) {
    case 2:
      return mmu.Write(linear, static_cast<u16>(value));
    case 4:
      return mmu.Write(linear, static_cast<u32>(value));
    default:
      return mmu.Write(linear, value);
  }
}

template <typename T>
Fault ReadAs(Mmu& mmu, Gva linear, u64& value) {
  T part{};
  Fault fault = mmu.Read(linear, part);
  if (!fault) {
    value = part;
  }
  return fault;
}

Fault ReadSized(Mmu& mmu, Gva linear, u64& value, u32 size) {
  switch (size) {
    case 2:
      return ReadAs<u16>(mmu, linear, value);
    case 4:
      return ReadAs<u32>(mmu, linear, value);
    default:
      return ReadAs<u64>(mmu, linear, value);
  }
}

}  // namespace

Fault Push(Context& context, u64 value, u32 size) {
  CpuState& state = context.state;
  const u64 mask = StackMask(state);
  const u64 sp = (state.gpr[kRsp] - size) & mask;
  Gva linear;
  if (Fault fault = Locate(state, sp, size, AccessKind::kWrite, linear)) {
    return fault;
  }
  if (Fault fault = WriteSized(context.mmu, linear, value, size)) {
    return AsStackFault(fault);
  }
  SetStackPointer(state, sp, mask);
  return Fault::None();
}

Fault Pop(Context& context, u64& value, u32 size) {
  CpuState& state = context.state;
  const u64 mask = StackMask(state);
  const u64 sp = state.gpr[kRsp] & mask;
  Gva linear;
  if (Fault fault = Locate(state, sp, size, AccessKind::kRead, linear)) {
    return fault;
  }
  if (Fault fault = ReadSized(context.mmu, linear, value, size)) {
    return AsStackFault(fault);
  }
  SetStackPointer(state, sp + size, mask);
  return Fault::None();
}

}  // namespace tandem::cpu
