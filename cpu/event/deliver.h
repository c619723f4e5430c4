#pragma once

#include "cpu/event/context.h"

// Exceptions and interrupts: through the IVT, 32- and 64-bit IDT gates, task gates and VME's
// redirection map. SDM Vol. 3, chapter 6 "Interrupt and Exception Handling".
namespace tandem::cpu {

// Delivers a hardware exception; state.rip is the address that is pushed: of the instruction for
// faults, of the next one for traps. A fault while delivering becomes #DF or, at last, shutdown
// (state.activity). Sets CR2 and DR6 from the fault; clears the interrupt shadows.
void DeliverFault(Context& context, const Fault& fault);

// An external interrupt or NMI between two instructions. Wakes a halted processor.
void DeliverInterrupt(Context& context, u8 vector);
void DeliverNmi(Context& context);

enum class SoftwareInterruptKind : u8 { kIntN, kInt3, kInto, kInt1 };

// INT n, INT3, INTO, INT1. state.rip is still that of the instruction; next_rip is pushed. On a
// fault nothing has changed.
Fault SoftwareInterrupt(Context& context, u8 vector, SoftwareInterruptKind kind, u64 next_rip);

// What the debug registers and TF say once an instruction is done: delivers #DB where
// state.pending_dr6 is set. Instruction breakpoints (DR7) are checked by InstructionBreakpoint:
// the DR6 bits that match the linear address, 0 if none or if RF is set.
void DeliverPendingDebugTrap(Context& context);
u64 InstructionBreakpoint(const CpuState& state, Gva linear);

}  // namespace tandem::cpu
