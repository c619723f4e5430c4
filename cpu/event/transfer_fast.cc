// SYSCALL, SYSRET, SYSENTER, SYSEXIT: flat segments without descriptor reads. The two vendors
// differ outside 64-bit mode.
#include "base/bits.h"
#include "cpu/event/descriptor.h"
#include "cpu/event/transfer.h"

namespace tandem::cpu {
namespace {

constexpr u16 kFlatCode32 = 0xc09b;
constexpr u16 kFlatCode64 = 0xa09b;
constexpr u16 kFlatData = 0xc093;
constexpr u64 kSysretFlags = 0x3c7fd7;  // all but RF and VM

bool IsAmd(const Context& context) { return context.model.vendor == "AuthenticAMD"; }

void LoadFlat(Context& context, u16 code_selector, u16 stack_selector, bool is_64bit, u8 cpl) {
  CpuState& state = context.state;
  const auto dpl = static_cast<u16>(cpl << 5);
  const u16 code = is_64bit ? kFlatCode64 : kFlatCode32;
  const auto with_rpl = [cpl](u16 selector) { return static_cast<u16>((selector & ~3) | cpl); };
  state.Seg(SegReg::kCs) = {0, 0xffffffff, with_rpl(code_selector), static_cast<u16>(code | dpl)};
  state.Seg(SegReg::kSs) = {0, 0xffffffff, with_rpl(stack_selector),
                            static_cast<u16>(kFlatData | dpl)};
  SetCpl(context, cpl);
}

// SYSCALL and SYSRET trap by the TF that they load, not by that which they began with: no trap sees
// the kernel's first instruction, and the first user instruction is not skipped.
void TrapByNewFlags(CpuState& state) {
  constexpr u64 kDr6SingleStep = u64{1} << 14;
  state.pending_dr6 |= (state.rflags & kFlagTf) != 0 ? kDr6SingleStep : 0;
}

u16 StarSelector(const CpuState& state, unsigned low_bit, u16 offset) {
  return static_cast<u16>(BitsOf(state.msr.star, low_bit, 16) + offset);
}

}  // namespace

Fault SysCall(Context& context, u64 next_rip) {
  CpuState& state = context.state;
  const bool is_allowed = (state.msr.efer & kEferSce) != 0 && state.InProtectedMode() &&
                          (state.In64BitMode() || IsAmd(context));
  if (!is_allowed) {
    return Fault::Ud();
  }
  state.gpr[kRcx] = next_rip;
  if (state.InLongMode()) {
    state.gpr[kR11] = state.rflags & ~kFlagRf;
    state.rip = state.In64BitMode() ? state.msr.lstar : state.msr.cstar;
    state.rflags = (state.rflags & ~(state.msr.sfmask | kFlagRf)) | kFlagFixed1;
  } else {
    state.rip = state.msr.star & 0xffffffff;
    state.rflags &= ~(kFlagIf | kFlagVm | kFlagRf);
  }
  LoadFlat(context, StarSelector(state, 32, 0), StarSelector(state, 32, 8), state.InLongMode(), 0);
  TrapByNewFlags(state);
  return Fault::None();
}

Fault SysReturn(Context& context, u32 operand_size) {
  CpuState& state = context.state;
  const bool is_allowed = (state.msr.efer & kEferSce) != 0 && state.InProtectedMode() &&
                          (state.In64BitMode() || IsAmd(context));
  if (!is_allowed) {
    return Fault::Ud();
  }
  const bool to_64bit = operand_size == 8;
  const bool is_bad_address = to_64bit && !IsAmd(context) && !IsCanonical(state, state.gpr[kRcx]);
  if (state.cpl != 0 || is_bad_address) {
    return Fault::Gp();
  }
  state.rip = to_64bit ? state.gpr[kRcx] : state.gpr[kRcx] & 0xffffffff;
  if (state.InLongMode()) {
    state.rflags = (state.gpr[kR11] & kSysretFlags) | kFlagFixed1;
  } else {
    state.rflags |= kFlagIf;
  }
  LoadFlat(context, StarSelector(state, 48, to_64bit ? 16 : 0), StarSelector(state, 48, 8),
           to_64bit, 3);
  TrapByNewFlags(state);
  return Fault::None();
}

Fault SysEnter(Context& context) {
  CpuState& state = context.state;
  if (IsAmd(context) && state.InLongMode()) {
    return Fault::Ud();
  }
  const auto selector = static_cast<u16>(state.msr.sysenter_cs);
  if (!state.InProtectedMode() || IsNullSelector(selector)) {
    return Fault::Gp();
  }
  const u64 mask = state.InLongMode() ? ~u64{0} : 0xffffffff;
  state.rflags &= ~(kFlagVm | kFlagIf | kFlagRf);
  state.gpr[kRsp] = state.msr.sysenter_esp & mask;
  state.rip = state.msr.sysenter_eip & mask;
  LoadFlat(context, selector, static_cast<u16>(selector + 8), state.InLongMode(), 0);
  return Fault::None();
}

Fault SysExit(Context& context, u32 operand_size) {
  CpuState& state = context.state;
  if (IsAmd(context) && state.InLongMode()) {
    return Fault::Ud();
  }
  const auto selector = static_cast<u16>(state.msr.sysenter_cs);
  if (!state.InProtectedMode() || state.cpl != 0 || IsNullSelector(selector)) {
    return Fault::Gp();
  }
  const bool to_64bit = operand_size == 8;
  const u64 rip = state.gpr[kRdx];
  const u64 rsp = state.gpr[kRcx];
  if (to_64bit && (!IsCanonical(state, rip) || !IsCanonical(state, rsp))) {
    return Fault::Gp();
  }
  const u64 mask = to_64bit ? ~u64{0} : 0xffffffff;
  state.rip = rip & mask;
  state.gpr[kRsp] = rsp & mask;
  const u16 offset = to_64bit ? 32 : 16;
  LoadFlat(context, static_cast<u16>(selector + offset), static_cast<u16>(selector + offset + 8),
           to_64bit, 3);
  return Fault::None();
}

}  // namespace tandem::cpu
