#pragma once

#include "cpu/event/context.h"

// Segment loads and checks. SDM Vol. 3, chapters 3.4, 3.5 and 5.
namespace tandem::cpu {

// Loads ES, SS, DS, FS or GS as MOV, POP and LxS do, in every mode. CS is for control transfers.
Fault LoadSegment(Context& context, SegReg reg, u16 selector);

// LLDT and LTR (privilege already checked).
Fault LoadLdtr(Context& context, u16 selector);
Fault LoadTr(Context& context, u16 selector);

// LAR, LSL, VERR, VERW: never fault for the selector; nothing or false: ZF is cleared.
Fault ReadAccessRights(Context& context, u16 selector, bool& valid, u32& rights);
Fault ReadSegmentLimit(Context& context, u16 selector, bool& valid, u32& limit);
Fault VerifySegment(Context& context, u16 selector, bool for_write, bool& valid);

// The general check of a data access in modes with segmentation: limit, expand-down, presence and
// type of the segment; #SS(0) for SS, else #GP(0). Not for 64-bit mode. offset is already cut to
// the address size; size in bytes.
Fault CheckSegment(const CpuState& state, SegReg reg, u64 offset, u32 size, AccessKind kind);

// Stack accesses with SS base, limits and the stack's address size (B bit); size 2, 4 or 8 bytes.
// Push and Pop move RSP only when there was no fault.
Fault Push(Context& context, u64 value, u32 size);
Fault Pop(Context& context, u64& value, u32 size);

}  // namespace tandem::cpu
