// A debugger's wishes. api.rst, KVM_SET_GUEST_DEBUG.
#include <linux/kvm.h>

#include "accel/kvm/ioctl.h"
#include "accel/kvm/kvm_vcpu.h"
#include "base/bits.h"

namespace tandem::accel::kvm {
namespace {

constexpr u32 kDebugVector = 1;
constexpr u64 kDr7Fixed = 0x400;
constexpr std::byte kInt3{0xcc};

// SDM Vol. 3, "Debug Control Register": condition, then length, four bits for each breakpoint.
u64 ConditionOf(const Breakpoint& breakpoint) {
  const u64 kind = breakpoint.kind == BreakpointKind::kExecute ? 0
                   : breakpoint.kind == BreakpointKind::kWrite ? 1
                                                               : 3;
  const u64 length = breakpoint.length == 8 ? 2 : breakpoint.length - 1u;
  return kind | length << 2;
}

}  // namespace

void KvmVcpu::SetDebug(const DebugSpec& spec) {
  CHECK(spec.breakpoints.size() <= kMaxBreakpoints);
  debug_ = spec;
  is_stepping_over_ = false;
  ApplyDebug(spec.single_step, /*has_execute_breakpoints=*/true);
}

void KvmVcpu::ApplyDebug(bool steps, bool has_execute_breakpoints) {
  steps = steps || (debug_.stops_at_int3 && !has_int3_exits_);
  kvm_guest_debug debug{};
  debug.control = (steps ? KVM_GUESTDBG_SINGLESTEP : 0) |
                  (debug_.stops_at_int3 ? KVM_GUESTDBG_USE_SW_BP : 0) |
                  (debug_.breakpoints.empty() ? 0 : KVM_GUESTDBG_USE_HW_BP);
  debug.control |= debug.control != 0 ? KVM_GUESTDBG_ENABLE : 0;
  u64 dr7 = kDr7Fixed;
  for (size_t i = 0; i < debug_.breakpoints.size(); ++i) {
    const Breakpoint& breakpoint = debug_.breakpoints[i];
    debug.arch.debugreg[i] = breakpoint.address;
    if (has_execute_breakpoints || breakpoint.kind != BreakpointKind::kExecute) {
      dr7 |= u64{2} << (2 * i) | ConditionOf(breakpoint) << (16 + 4 * i);
    }
  }
  debug.arch.debugreg[7] = dr7;
  MustCall(fd_.get(), KVM_SET_GUEST_DEBUG, &debug);
}

u64 KvmVcpu::LinearRip() const {
  kvm_regs regs{};
  kvm_sregs sregs{};
  MustCall(fd_.get(), KVM_GET_REGS, &regs);
  MustCall(fd_.get(), KVM_GET_SREGS, &sregs);
  const bool is_64 = sregs.cs.l != 0 && (sregs.efer & cpu::kEferLma) != 0;
  return is_64 ? regs.rip : (sregs.cs.base + regs.rip) & 0xffffffff;
}

// A KVM that emulates instructions gives INT3 to the guest, whatever the debugger wants.
std::optional<Exit> KvmVcpu::LookForInt3() {
  if (std::optional<Exit> exit = FinishInstruction()) {
    return exit;
  }
  kvm_translation translation{};
  translation.linear_address = LinearRip();
  std::byte opcode{};
  if (Call(fd_.get(), KVM_TRANSLATE, &translation) == 0 && translation.valid != 0) {
    (void)env_.memory.View()->DmaRead(Gpa(translation.physical_address), {&opcode, 1});
  }
  if (opcode != kInt3) {
    return std::nullopt;
  }
  return HitBreakpoint{BreakpointKind::kExecute, translation.linear_address, /*is_int3=*/true};
}

std::optional<Exit> KvmVcpu::ServeDebugExit() {
  const kvm_debug_exit_arch& debug = run_.debug.arch;
  reported_.reset();
  if (debug.exception != kDebugVector) {
    return HitBreakpoint{BreakpointKind::kExecute, debug.pc, /*is_int3=*/true};
  }
  for (size_t i = 0; i < debug_.breakpoints.size(); ++i) {
    if (Bit(debug.dr6, static_cast<unsigned>(i))) {
      const Breakpoint& hit = debug_.breakpoints[i];
      if (hit.kind == BreakpointKind::kExecute) {
        reported_ = hit.address;
      }
      return HitBreakpoint{hit.kind, hit.address};
    }
  }
  // Others are steps of our own.
  return debug_.single_step ? std::optional<Exit>(Stepped{}) : std::nullopt;
}

}  // namespace tandem::accel::kvm
