// Interrupts and exceptions that wait, interrupt shadows, debug registers. api.rst,
// KVM_GET_VCPU_EVENTS.
#include <linux/kvm.h>

#include <algorithm>

#include "accel/kvm/ioctl.h"
#include "accel/kvm/state_access.h"

namespace tandem::accel::kvm {
namespace {

using cpu::PendingEvent;

constexpr u8 kBreakpointVector = 3;
constexpr u8 kOverflowVector = 4;

// What INT n, INT3 and INTO raise is raised again by the instruction, at which RIP stands.
PendingEvent PendingOf(const kvm_vcpu_events& events) {
  const u8 vector = events.exception.nr;
  const bool has_exception = events.exception.injected != 0 || events.exception.pending != 0;
  if (has_exception && vector != kBreakpointVector && vector != kOverflowVector) {
    return {PendingEvent::Kind::kException, vector, events.exception.has_error_code != 0,
            events.exception.error_code};
  }
  if (events.interrupt.injected != 0 && events.interrupt.soft == 0) {
    return {.kind = PendingEvent::Kind::kInterrupt, .vector = events.interrupt.nr};
  }
  return {};
}

}  // namespace

void StateAccess::SaveEvents(cpu::CpuState& state) const {
  kvm_vcpu_events events{};
  MustCall(fd_, KVM_GET_VCPU_EVENTS, &events);
  state.sti_shadow = (events.interrupt.shadow & KVM_X86_SHADOW_INT_STI) != 0;
  state.mov_ss_shadow = (events.interrupt.shadow & KVM_X86_SHADOW_INT_MOV_SS) != 0;
  state.nmi_blocked = events.nmi.masked != 0;
  state.nmi_pending = events.nmi.pending != 0 || events.nmi.injected != 0;
  state.pending_dr6 = 0;
  state.pending_event = PendingOf(events);
}

bool StateAccess::LoadEvents(const cpu::CpuState& state) const {
  kvm_vcpu_events events{};
  MustCall(fd_, KVM_GET_VCPU_EVENTS, &events);  // what is not below stays: SMM, a start-up vector
  const PendingEvent& pending = state.pending_event;
  events.exception = {};
  events.interrupt = {};
  if (pending.kind == PendingEvent::Kind::kException) {
    events.exception = {.injected = 1,
                        .nr = pending.vector,
                        .has_error_code = pending.has_error_code,
                        .pending = 0,
                        .error_code = pending.error_code};
  } else if (pending.kind == PendingEvent::Kind::kInterrupt) {
    events.interrupt.injected = 1;
    events.interrupt.nr = pending.vector;
  }
  events.interrupt.shadow = static_cast<u8>((state.sti_shadow ? KVM_X86_SHADOW_INT_STI : 0) |
                                            (state.mov_ss_shadow ? KVM_X86_SHADOW_INT_MOV_SS : 0));
  events.nmi = {.injected = 0, .pending = state.nmi_pending, .masked = state.nmi_blocked, .pad = 0};
  events.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
  return Call(fd_, KVM_SET_VCPU_EVENTS, &events) == 0;
}

void StateAccess::DropException() const {
  kvm_vcpu_events events{};
  MustCall(fd_, KVM_GET_VCPU_EVENTS, &events);
  events.exception = {};
  events.flags = 0;
  MustCall(fd_, KVM_SET_VCPU_EVENTS, &events);
}

void StateAccess::SaveDebug(cpu::CpuState& state) const {
  kvm_debugregs debug{};
  MustCall(fd_, KVM_GET_DEBUGREGS, &debug);
  std::copy(std::begin(debug.db), std::end(debug.db), state.dr.begin());
  state.dr6 = debug.dr6;
  state.dr7 = debug.dr7;
}

bool StateAccess::LoadDebug(const cpu::CpuState& state) const {
  kvm_debugregs debug{};
  std::copy(state.dr.begin(), state.dr.end(), std::begin(debug.db));
  debug.dr6 = state.dr6;
  debug.dr7 = state.dr7;
  return Call(fd_, KVM_SET_DEBUGREGS, &debug) == 0;
}

}  // namespace tandem::accel::kvm
