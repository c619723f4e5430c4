#pragma once

#include "cpu/event/descriptor.h"
#include "cpu/event/stack_frame.h"

namespace tandem::cpu {

// Parts that far jumps, calls and returns share. Used within this room only.

constexpr u64 OperandMask(u32 operand_size) {
  return operand_size == 8 ? ~u64{0} : (operand_size == 4 ? 0xffffffff : 0xffff);
}

// Real-address and virtual-8086 mode: CS and RIP.
Fault LoadRealCode(Context& context, u16 selector, u64 rip);

// Target of a direct far jump or call: privilege, presence, L and D. SDM Vol. 2, JMP and CALL.
Fault CheckDirectCode(const CpuState& state, u16 selector, const Descriptor& code);
// The target address: in the limit, or canonical for a 64-bit segment.
Fault CheckOffset(const CpuState& state, const Descriptor& code, u64 offset);
// Sets CS at this privilege, marks the descriptor accessed; RIP and the CPL.
Fault EnterCode(Context& context, u16 selector, const Descriptor& code, u64 rip, u8 cpl);

// A call gate that JMP or CALL named: its rights and its target. 16 bytes in long mode.
struct CallGate {
  u16 selector = 0;
  u64 offset = 0;
  u32 size = 4;  // of what is pushed
  u8 parameters = 0;
  Descriptor code;
};
Fault ReadCallGate(Context& context, u16 selector, Descriptor& gate, CallGate& out);

// Task gate or TSS as the target of JMP or CALL: the TSS's selector once privilege is checked.
Fault ReadTaskTarget(const CpuState& state, u16 selector, const Descriptor& descriptor,
                     u16& tss_selector);

// Where RET or IRET goes.
struct ReturnTarget {
  u64 rip = 0;
  u16 cs = 0;
  u64 rsp = 0;
  u16 ss = 0;
  u8 cpl() const { return cs & 3; }
};
Fault ReadReturnCode(Context& context, const ReturnTarget& target, Descriptor& code);
Fault ReadReturnStack(Context& context, const ReturnTarget& target, const Descriptor& code,
                      Segment& ss);
// Sets RSP as wide as the new stack is.
void SetReturnStack(CpuState& state, const Descriptor& code, const Segment& ss, u64 rsp);
// Data segments that the outer level may not use become null.
void DropInnerSegments(CpuState& state);

}  // namespace tandem::cpu
