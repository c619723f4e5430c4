#pragma once

#include <array>

#include "cpu/event/descriptor.h"

namespace tandem::cpu {

// A task's registers as its TSS holds them. SDM Vol. 3, 7.2.1 and 7.6. Used within this room only.
struct TaskState {
  u32 cr3 = 0;
  u32 eip = 0;
  u32 eflags = 0;
  std::array<u32, 8> gpr{};
  std::array<u16, 6> selectors{};  // by SegReg
  u16 ldt = 0;
  bool traps = false;  // the T bit
};

constexpr bool Is32BitTss(u8 type) { return (type & 8) != 0; }
constexpr u32 MinimumTssLimit(u8 type) { return Is32BitTss(type) ? 0x67 : 0x2b; }

// The part that a switch reads of a new task, and that which it writes of an old one.
Fault ReadTaskState(Context& context, const Segment& tss, TaskState& task);
Fault WriteTaskState(Context& context, const Segment& tss, const TaskState& task);
TaskState CaptureTask(const CpuState& state, u64 return_rip);

// Loads LDTR and all segments in the new task, whose selectors stand in the state already: #TS,
// #NP and #SS with the selector.
Fault LoadTaskSegments(Context& context, const TaskState& task, u32 ext);

}  // namespace tandem::cpu
