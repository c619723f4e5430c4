#pragma once

#include "cpu/exec/operand.h"

// Pushes and pops of one value at the stack's address size, without moving RSP: callers move it
// when nothing can fault any more.
namespace tandem::cpu {

inline u64 StackMask(const Core& core) {
  return core.stack_size == 8 ? ~u64{0} : core.stack_size == 4 ? 0xffffffff : 0xffff;
}

// RSP with its low part (by stack size) replaced.
inline void SetStackPointer(Core& core, u64 value) {
  const u64 mask = StackMask(core);
  // A 32-bit stack pointer outside 64-bit mode has no upper half to keep.
  core.state.gpr[kRsp] =
      core.stack_size == 2 ? (core.state.gpr[kRsp] & ~mask) | (value & mask) : value & mask;
}

inline bool StackAddress(Core& core, const Step& step, u64 offset, u32 size, AccessKind kind,
                         Gva& linear) {
  offset &= StackMask(core);
  if (step.check_stack) [[unlikely]] {
    return LinearChecked(core, SegReg::kSs, offset, size, kind, linear);
  }
  linear = Linear(core, SegReg::kSs, offset);
  return true;
}

// Stores value below RSP and moves RSP.
template <typename T>
bool PushValue(Core& core, const Step& step, T value) {
  const u64 rsp = core.state.gpr[kRsp] - sizeof(T);
  Gva linear;
  if (!StackAddress(core, step, rsp, sizeof(T), AccessKind::kWrite, linear) ||
      !StoreAt<T>(core, SegReg::kSs, linear, value)) {
    return false;
  }
  SetStackPointer(core, rsp);
  return true;
}

// Loads the value at RSP + skip; RSP stays.
template <typename T>
bool PeekValue(Core& core, const Step& step, u64 skip, T& value) {
  Gva linear;
  return StackAddress(core, step, core.state.gpr[kRsp] + skip, sizeof(T), AccessKind::kRead,
                      linear) &&
         LoadAt<T>(core, SegReg::kSs, linear, value);
}

inline void DropFromStack(Core& core, u64 bytes) {
  SetStackPointer(core, core.state.gpr[kRsp] + bytes);
}

}  // namespace tandem::cpu
