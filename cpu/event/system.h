#pragma once

#include "cpu/event/context.h"

// Control and debug registers, MSRs, CPUID, flags and I/O permission. The functions check privilege
// themselves (CPL, IOPL, virtual-8086) and have no effect when they fault.
namespace tandem::cpu {

// MOV from and to CR0, CR2, CR3, CR4, CR8; with all consistency checks, PDPTE loads, TLB flushes
// and mode changes (EFER.LMA). index 1, 5-7, 9-15 is #UD.
Fault ReadControl(Context& context, u32 index, u64& value);
Fault WriteControl(Context& context, u32 index, u64 value);
Fault LoadMachineStatus(Context& context, u16 value);  // LMSW
Fault ClearTaskSwitched(Context& context);             // CLTS

Fault ReadDebug(Context& context, u32 index, u64& value);
Fault WriteDebug(Context& context, u32 index, u64 value);

Fault ReadMsr(Context& context, u32 index, u64& value);
Fault WriteMsr(Context& context, u32 index, u64 value);
u64 ReadTsc(const Context& context);  // with offsets, without privilege checks

CpuidResult Cpuid(const Context& context, u32 leaf, u32 subleaf);

Fault SetExtendedControl(Context& context, u32 index, u64 value);   // XSETBV
Fault GetExtendedControl(Context& context, u32 index, u64& value);  // XGETBV
Fault WritePkru(Context& context, u32 value);                       // WRPKRU, after its checks

Fault InvalidatePage(Context& context, Gva address);                             // INVLPG
Fault InvalidatePcid(Context& context, u64 type, u64 pcid, u64 linear_address);  // INVPCID

// IN, OUT, INS, OUTS: IOPL and the TSS's permission bitmap.
Fault CheckPortAccess(Context& context, u16 port, u32 size);
// The access itself; also matches I/O breakpoints.
u32 ReadPort(Context& context, u16 port, u32 size);
void WritePort(Context& context, u16 port, u32 size, u32 value);

// CLI, STI with VME and PVI; STI sets the interrupt shadow.
Fault ClearInterruptFlag(Context& context);
Fault SetInterruptFlag(Context& context);
// The flags image that PUSHF stores, and POPF's effect; operand_size 2, 4 or 8. POPF's callers end
// the block: TF, IF, AC may have changed.
Fault PushFlagsImage(Context& context, u32 operand_size, u64& image);
Fault PopFlagsImage(Context& context, u32 operand_size, u64 image);

// Privilege of CPL-0-only instructions: #GP(0) otherwise, and in virtual-8086 mode.
Fault RequireCpl0(const CpuState& state);
// UMIP: SGDT, SIDT, SLDT, SMSW, STR outside CPL 0.
Fault CheckUmip(const CpuState& state);

}  // namespace tandem::cpu
