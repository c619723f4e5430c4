#include "cpu/event/deliver.h"

#include <utility>

#include "base/bits.h"
#include "base/log.h"
#include "cpu/event/gate.h"

namespace tandem::cpu {
namespace {

constexpr u64 kDr7Gd = 1u << 13;
constexpr u8 kNmiVector = 2;

// SDM Vol. 3, table 6-4.
bool IsContributory(Vector vector) {
  switch (vector) {
    case Vector::kDe:
    case Vector::kTs:
    case Vector::kNp:
    case Vector::kSs:
    case Vector::kGp:
    case Vector::kCp:
      return true;
    default:
      return false;
  }
}

// SDM Vol. 3, table 6-5.
bool MakesDoubleFault(Vector first, Vector second) {
  if (first == Vector::kPf) {
    return second == Vector::kPf || IsContributory(second);
  }
  return IsContributory(first) && IsContributory(second);
}

// Faults proper restart their instruction: its breakpoint is suppressed then by RF in the image.
bool IsFaultClass(Vector vector) {
  switch (vector) {
    case Vector::kDb:
    case Vector::kNmi:
    case Vector::kBp:
    case Vector::kOf:
    case Vector::kDf:
    case Vector::kMc:
      return false;
    default:
      return true;
  }
}

void ClearShadows(CpuState& state) { state.sti_shadow = state.mov_ss_shadow = false; }

// The registers an exception writes before its handler is entered.
void NoteFault(Context& context, const Fault& fault) {
  CpuState& state = context.state;
  if (fault.vector == Vector::kPf) {
    state.cr2 = fault.address;
  } else if (fault.vector == Vector::kDb) {
    state.dr6 = (state.dr6 & ~u64{0xf}) | fault.address;
    state.dr7 &= ~kDr7Gd;
    state.msr.debugctl &= ~u64{3};
  }
}

Event EventOf(const CpuState& state, const Fault& fault) {
  Event event;
  event.vector = static_cast<u8>(fault.vector);
  event.pushes_rf = IsFaultClass(fault.vector);
  event.return_rip = state.rip;
  if (fault.has_error_code) {
    event.error_code = fault.error_code;
  }
  return event;
}

void ShutDown(CpuState& state) {
  Log(LogItem::kCpuReset, "triple fault at rip={:#x} cr2={:#x} rsp={:#x}", state.rip, state.cr2,
      state.gpr[kRsp]);
  state.activity = Activity::kShutdown;
}

void DeliverOutside(Context& context, u8 vector) {
  CpuState& state = context.state;
  state.activity = Activity::kRunning;
  ClearShadows(state);
  Event event;
  event.vector = vector;
  event.return_rip = state.rip;
  if (Fault fault = DeliverEvent(context, event)) {
    DeliverFault(context, fault);
  }
}

}  // namespace

Fault DeliverEvent(Context& context, const Event& event) {
  CpuState& state = context.state;
  Log(LogItem::kInt, "vector={:#04x} error={:#x} cs={:#06x} rip={:#x} cpl={} cr2={:#x} rax={:#x}",
      event.vector, event.error_code.value_or(0), state.Seg(SegReg::kCs).selector, state.rip,
      state.cpl, state.cr2, state.gpr[kRax]);
  if (!state.InProtectedMode()) {
    return DeliverReal(context, event);
  }
  return state.InLongMode() ? DeliverLong(context, event) : DeliverProtected(context, event);
}

void DeliverFault(Context& context, const Fault& fault) {
  CpuState& state = context.state;
  state.activity = Activity::kRunning;  // debug traps of HLT end it
  ClearShadows(state);
  Fault current = fault;
  for (;;) {
    NoteFault(context, current);
    const Fault next = DeliverEvent(context, EventOf(state, current));
    if (!next) {
      return;
    }
    if (current.vector == Vector::kDf) {
      ShutDown(state);
      return;
    }
    if (!MakesDoubleFault(current.vector, next.vector)) {
      current = next;
      continue;
    }
    NoteFault(context, next);
    current = Fault::WithCode(Vector::kDf, 0);
  }
}

void DeliverInterrupt(Context& context, u8 vector) { DeliverOutside(context, vector); }

void DeliverNmi(Context& context) {
  context.state.nmi_pending = false;
  context.state.nmi_blocked = true;
  DeliverOutside(context, kNmiVector);
}

Fault SoftwareInterrupt(Context& context, u8 vector, SoftwareInterruptKind kind, u64 next_rip) {
  CpuState& state = context.state;
  Event event;
  event.vector = vector;
  event.is_software = kind != SoftwareInterruptKind::kInt1;
  event.return_rip = next_rip;
  if (kind == SoftwareInterruptKind::kInt1) {
    const Fault fault = DeliverEvent(context, event);
    if (!fault) {  // takes along what MOV SS has held back
      NoteFault(context, Fault::Debug(std::exchange(state.pending_dr6, 0)));
    }
    return fault;
  }
  if (!state.InVirtual8086() || kind != SoftwareInterruptKind::kIntN) {
    return DeliverEvent(context, event);
  }
  bool is_redirected = false;
  if ((state.cr4 & kCr4Vme) != 0) {
    if (Fault fault = IsRedirected(context, vector, is_redirected)) {
      return fault;
    }
  }
  if (is_redirected) {
    return DeliverRedirected(context, event);
  }
  return state.Iopl() < 3 ? Fault::Gp() : DeliverEvent(context, event);
}

}  // namespace tandem::cpu
