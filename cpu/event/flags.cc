// CLI, STI, PUSHF, POPF. SDM Vol. 2, and Vol. 3, 20.3 for VME and PVI.
#include "base/bits.h"
#include "cpu/event/system.h"

namespace tandem::cpu {
namespace {

constexpr u64 kPushed = 0xfcffff;  // without RF and VM
constexpr u64 kAlwaysPopped = kArithFlags | kFlagTf | kFlagDf | kFlagNt;

enum class Right : u8 { kNone, kReal, kVirtual };

// Whether IF itself, or only VIF, is this code's to change.
Right InterruptFlagRight(const CpuState& state) {
  if (!state.InProtectedMode() || (!state.InVirtual8086() && state.cpl <= state.Iopl()) ||
      (state.InVirtual8086() && state.Iopl() == 3)) {
    return Right::kReal;
  }
  const u64 enable = state.InVirtual8086() ? kCr4Vme : kCr4Pvi;
  const bool is_virtual = state.cpl == 3 && (state.cr4 & enable) != 0;
  return is_virtual ? Right::kVirtual : Right::kNone;
}

bool IsRestrictedV86(const CpuState& state) { return state.InVirtual8086() && state.Iopl() < 3; }

Fault PopVirtual(CpuState& state, u64 image) {
  const bool wants_if = (image & kFlagIf) != 0;
  if ((image & kFlagTf) != 0 || (wants_if && (state.rflags & kFlagVip) != 0)) {
    return Fault::Gp();
  }
  state.rflags = (state.rflags & ~(kAlwaysPopped | kFlagRf)) | (image & kAlwaysPopped);
  state.rflags = WithBit(state.rflags, 19, wants_if);
  return Fault::None();
}

u64 Poppable(const CpuState& state, u32 operand_size) {
  u64 mask = kAlwaysPopped | (operand_size > 2 ? kFlagAc | kFlagId : 0);
  if (state.cpl <= state.Iopl() || !state.InProtectedMode()) {
    mask |= kFlagIf;
  }
  if (state.cpl == 0) {
    mask |= kFlagIopl;
  }
  return mask;
}

}  // namespace

Fault ClearInterruptFlag(Context& context) {
  CpuState& state = context.state;
  switch (InterruptFlagRight(state)) {
    case Right::kReal:
      state.rflags &= ~kFlagIf;
      return Fault::None();
    case Right::kVirtual:
      state.rflags &= ~kFlagVif;
      return Fault::None();
    case Right::kNone:
      break;
  }
  return Fault::Gp();
}

Fault SetInterruptFlag(Context& context) {
  CpuState& state = context.state;
  const Right right = InterruptFlagRight(state);
  if (right == Right::kReal) {
    state.sti_shadow = (state.rflags & kFlagIf) == 0;
    state.rflags |= kFlagIf;
    return Fault::None();
  }
  if (right == Right::kNone || (state.rflags & kFlagVip) != 0) {
    return Fault::Gp();
  }
  state.rflags |= kFlagVif;
  return Fault::None();
}

Fault PushFlagsImage(Context& context, u32 operand_size, u64& image) {
  const CpuState& state = context.state;
  image = state.rflags & kPushed;
  if (!IsRestrictedV86(state)) {
    return Fault::None();
  }
  if (operand_size != 2 || (state.cr4 & kCr4Vme) == 0) {
    return Fault::Gp();
  }
  image = WithBit(image, 9, (state.rflags & kFlagVif) != 0) | kFlagIopl;
  return Fault::None();
}

Fault PopFlagsImage(Context& context, u32 operand_size, u64 image) {
  CpuState& state = context.state;
  if (IsRestrictedV86(state)) {
    const bool has_vme = operand_size == 2 && (state.cr4 & kCr4Vme) != 0;
    return has_vme ? PopVirtual(state, image) : Fault::Gp();
  }
  const u64 mask = Poppable(state, operand_size);
  state.rflags = (state.rflags & ~(mask | kFlagRf)) | (image & mask) | kFlagFixed1;
  context.mmu.UpdateMode();
  return Fault::None();
}

}  // namespace tandem::cpu
