#pragma once

#include "cpu/event/context.h"

// Far control transfers: jumps, calls and returns between segments and privilege levels, gates and
// task switches. SDM Vol. 3, 5.8 and chapter 7. All: state.rip is that of the instruction at entry;
// on success it is the target; on a fault nothing has changed (but for task switches, which fault
// in the new task). operand_size in bytes: 2, 4 or 8.
namespace tandem::cpu {

Fault FarJump(Context& context, u16 selector, u64 offset, u32 operand_size, u64 next_rip);
Fault FarCall(Context& context, u16 selector, u64 offset, u32 operand_size, u64 next_rip);
Fault FarReturn(Context& context, u32 operand_size, u16 release_bytes);
// IRET, IRETD, IRETQ, with virtual-8086 and nested-task returns; ends NMI blocking.
Fault InterruptReturn(Context& context, u32 operand_size, u64 next_rip);

// SYSCALL and friends, with their #UD and #GP conditions. SDM Vol. 2.
Fault SysCall(Context& context, u64 next_rip);
Fault SysReturn(Context& context, u32 operand_size);
Fault SysEnter(Context& context);
Fault SysExit(Context& context, u32 operand_size);

}  // namespace tandem::cpu
