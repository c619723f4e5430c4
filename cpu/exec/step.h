#pragma once

#include <array>

#include "cpu/decode/inst.h"
#include "cpu/event/context.h"

namespace tandem::cpu {

struct HostThunk;
class HostThunks;
struct Core;
struct Step;

// What became of one instruction.
enum class Flow : u8 {
  kNext,      // go on with the next step of the block
  kBranch,    // done; state.rip is the address of the next instruction
  kTransfer,  // as kBranch, but segments, privilege or mode may have changed
  kEnd,    // done; the next instruction follows in memory, but mode or interrupts may have changed
  kAgain,  // partly done (REP): interrupts may be taken, then the instruction starts again
  kStale,  // not begun: the block was overwritten
  kFault,  // Core::fault says why; nothing has changed but what the manual allows
  kFaultInNewTask,  // a task switch got far enough: state.rip is the new task's
};

using ExecFn = Flow (*)(Core&, const Step&);

// One instruction ready to run: what its function needs, in one cache line. Register operands are
// byte offsets into CpuState.
struct Step {
  ExecFn run = nullptr;
  u64 immediate = 0;
  i64 displacement = 0;     // of a RIP-relative operand: from the start of the block
  u16 base = 0, index = 0;  // CpuState offsets
  u16 dst = 0, src = 0;     // first and second operand, where they are registers
  u16 offset = 0;           // of this instruction from the start of the block, in bytes
  u16 next = 0;             // of the one that follows
  u8 scale = 0;
  SegReg segment = SegReg::kDs;
  u8 address_size = 8;         // bytes
  u8 address_shift = 0;        // 64 minus its bits
  bool check_segment = false;  // limit and type of the operand's segment may matter
  bool check_stack = false;    // those of SS
  u8 operand_size = 8;
  u8 condition = 0;
  const Inst* inst = nullptr;                // everything else
  mutable const HostThunk* thunk = nullptr;  // Op::kHost: made when it first runs
};
static_assert(sizeof(Step) <= 64);

// The interpreter's view of its vCPU.
struct Core : Context {
  // Base that is added to offsets: in 64-bit mode zero for all but FS and GS.
  std::array<u64, 6> segment_base{};
  u64 linear_mask = ~u64{0};  // 32 bits outside 64-bit mode
  u64 rip_mask = ~u64{0};
  u8 stack_size = 8;  // address size of implicit stack accesses: 2, 4 or 8 bytes
  Fault fault{};
  HostThunks* thunks = nullptr;
  std::array<std::byte, 64> loaded{};  // what a load off the fast path has read

  // state.rip stays at the start of the block while its steps run.
  u64 RipOf(const Step& step) const { return (state.rip + step.offset) & rip_mask; }
  u64 RipAfter(const Step& step) const { return (state.rip + step.next) & rip_mask; }

  Flow Raise(const Fault& raised) {
    fault = raised;
    return Flow::kFault;
  }
  // Recomputes the fields above from the state after a change of mode or segments.
  void Refresh();
};

// The function that runs an instruction: never null. One per family, composed in select.cc; a
// family's answer for instructions of another family is null.
ExecFn SelectExec(const Inst& inst);
ExecFn SelectAlu(const Inst& inst);
ExecFn SelectShift(const Inst& inst);
ExecFn SelectBit(const Inst& inst);
ExecFn SelectMultiply(const Inst& inst);
ExecFn SelectBcd(const Inst& inst);
ExecFn SelectMove(const Inst& inst);
ExecFn SelectExchange(const Inst& inst);
ExecFn SelectStack(const Inst& inst);
ExecFn SelectBranch(const Inst& inst);
ExecFn SelectString(const Inst& inst);
ExecFn SelectFlag(const Inst& inst);
ExecFn SelectFar(const Inst& inst);
ExecFn SelectSystem(const Inst& inst);
ExecFn SelectRegisterAccess(const Inst& inst);
ExecFn SelectDescriptor(const Inst& inst);
ExecFn SelectExtendedState(const Inst& inst);
ExecFn SelectHost(const Inst& inst);
ExecFn SelectMasked(const Inst& inst);
ExecFn SelectGather(const Inst& inst);
ExecFn SelectX87Environment(const Inst& inst);
ExecFn SelectVectorClear(const Inst& inst);

}  // namespace tandem::cpu
