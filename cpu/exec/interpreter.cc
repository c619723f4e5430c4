#include "cpu/exec/interpreter.h"

#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "cpu/event/deliver.h"
#include "cpu/exec/host_thunks.h"
#include "cpu/exec/operand.h"

namespace tandem::cpu {
namespace {

constexpr u64 kAnyBreakpoint = 0xff;  // L0-G3 of DR7
constexpr u64 kDebugCtlBtf = 1u << 1;

// Anything but a flat, writable segment of 4 GiB needs a look at each access.
bool NeedsCheck(const Segment& segment) {
  return segment.limit != 0xffffffff || !segment.is_present() || !segment.is_writable() ||
         segment.is_expand_down();
}

u8 CheckedSegments(const CpuState& state) {
  if (state.In64BitMode()) {
    return 0;
  }
  u8 mask = 0;
  for (size_t i = 0; i < state.seg.size(); ++i) {
    mask |= static_cast<u8>(NeedsCheck(state.seg[i]) << i);
  }
  return mask;
}

// Instructions after which TF traps no more than they say themselves.
bool SeesToTraps(Op op) {
  return op == Op::kInt || op == Op::kInt1 || op == Op::kInt3 || op == Op::kInto ||
         op == Op::kSyscall || op == Op::kSysret;
}

}  // namespace

Interpreter::Interpreter(const Parts& parts)
    : own_tlb_(parts.tlb == nullptr ? std::make_unique<TlbStorage>() : nullptr),
      mmu_(parts.state, parts.model, parts.memory, parts.apic, cache_,
           parts.tlb == nullptr ? *own_tlb_ : *parts.tlb),
      core_{{parts.state, mmu_, parts.model, parts.ports, parts.apic, parts.clock, parts.id}},
      thunks_(std::make_unique<HostThunks>()) {
  cache_.SetMmu(mmu_);
  core_.thunks = thunks_.get();
  RefreshMode();
}

Interpreter::~Interpreter() = default;

void Interpreter::StateChanged() {
  mmu_.FlushAll();
  mmu_.ApicBaseChanged();
  RefreshMode();
}

BlockMode Interpreter::CurrentMode() const {
  const CpuState& state = core_.state;
  BlockMode mode;
  mode.code_bits = state.In64BitMode() ? 64 : state.Seg(SegReg::kCs).is_big() ? 32 : 16;
  mode.is_real = state.HasRealSegments();
  mode.checked_segments = CheckedSegments(state);
  mode.is_user = state.cpl == 3;
  return mode;
}

void Interpreter::RefreshMode() {
  core_.Refresh();
  mmu_.UpdateMode();
  mode_ = CurrentMode();
}

bool Interpreter::NeedsSingleStep() const {
  const CpuState& state = core_.state;
  return (state.rflags & kFlagTf) != 0 || state.sti_shadow || state.mov_ss_shadow ||
         (state.dr7 & kAnyBreakpoint) != 0;
}

bool Interpreter::MustReturn(u32 attention) const {
  const CpuState& state = core_.state;
  const bool wanted = attention != 0 || (state.nmi_pending && !state.nmi_blocked) ||
                      (window_wanted_ && (state.rflags & kFlagIf) != 0);
  return wanted && !state.sti_shadow && !state.mov_ss_shadow;
}

u64 Interpreter::Run(u64 budget, const std::atomic<u32>& attention) {
  CpuState& state = core_.state;
  u64 done = 0;
  Block* last = nullptr;  // the block that ended with a plain branch just now
  while (done < budget && state.activity == Activity::kRunning) {
    cache_.FreeDropped();
    if (mmu_.FlushIsRequested()) [[unlikely]] {
      mmu_.ServeFlushRequest();
    }
    if (MustReturn(attention.load(std::memory_order_relaxed))) [[unlikely]] {
      break;
    }
    if (NeedsSingleStep()) [[unlikely]] {
      done += StepOne();
      last = nullptr;
      continue;
    }
    state.rflags &= ~kFlagRf;
    const u64 epoch = cache_.epoch();
    Block* block = FindBlock(mode_, last);
    last = nullptr;
    if (block == nullptr) {
      continue;
    }
    done += RunOrStep(*block, budget - done);
    if (last_flow_ == Flow::kBranch && epoch == cache_.epoch()) {
      last = block;
    }
  }
  return done;
}

void Interpreter::ExecuteOne() {
  cache_.FreeDropped();
  StepOne();
}

Flow Interpreter::ExecuteBound(const Step& step) {
  const Flow flow = step.run(core_, step);
  core_.state.instructions += flow < Flow::kAgain ? 1 : 0;
  if (flow == Flow::kNext) [[likely]] {
    core_.state.rip = core_.RipAfter(step);
  } else if (flow != Flow::kBranch) {
    Leave(flow, step);
  }
  return DeliverTraps() ? Flow::kTransfer : flow;
}

u64 Interpreter::RunOrStep(const Block& block, u64 budget) {
  if (block.count() > budget) {
    return StepOne();
  }
  const u64 done = RunBlock(block);
  if (DeliverTraps()) [[unlikely]] {
    last_flow_ = Flow::kTransfer;
  }
  return done;
}

// Debug traps that became due; MOV SS holds them back.
bool Interpreter::DeliverTraps() {
  const CpuState& state = core_.state;
  if (state.pending_dr6 == 0 || state.mov_ss_shadow) [[likely]] {
    return false;
  }
  DeliverPendingDebugTrap(core_);
  RefreshMode();
  return true;
}

// One instruction with everything that can happen around it.
u64 Interpreter::StepOne() {
  CpuState& state = core_.state;
  const bool after_mov_ss = state.mov_ss_shadow;
  const Gva linear = Linear(core_, SegReg::kCs, state.rip);
  if (!after_mov_ss) {
    if (const u64 hit = InstructionBreakpoint(state, linear)) {
      Deliver(Fault::Debug(hit));
      return 0;
    }
  }
  BlockMode mode = mode_;
  mode.single = true;
  const Block* block = FindBlock(mode);
  if (block == nullptr) {
    return 0;
  }
  // With BTF only branches trap (SDM Vol. 3, 17.4.3): what goes elsewhere than to the next instruction.
  const u64 rip_after = core_.RipAfter(block->steps[0]);
  const bool traps = (state.rflags & kFlagTf) != 0 && !SeesToTraps(block->insts[0].op);
  const bool had_shadow = state.sti_shadow || state.mov_ss_shadow;
  state.sti_shadow = state.mov_ss_shadow = false;
  state.rflags &= ~kFlagRf;
  const u64 done = RunBlock(*block);
  if (had_shadow) {
    // A second STI or MOV SS opens no new shadow right after the first.
    state.sti_shadow = false;
  }
  // The trap of a MOV SS is lost, not late: those of its data are. SDM Vol. 3, 6.8.3.
  const bool has_branched = last_flow_ < Flow::kAgain && state.rip != rip_after;
  const bool is_due = has_branched || (state.msr.debugctl & kDebugCtlBtf) == 0;
  if (traps && is_due && last_flow_ <= Flow::kAgain && !state.mov_ss_shadow) {
    state.pending_dr6 |= u64{1} << 14;  // BS
  }
  DeliverTraps();
  return done;
}

u64 Interpreter::RunBlock(const Block& block) {
  const Step* step = block.steps.data();
  const Step* const first = step;
  Flow flow = step->run(core_, *step);
  while (flow == Flow::kNext) [[likely]] {
      ++step;
      flow = step->run(core_, *step);
    }
  const u64 index = static_cast<u64>(step - first);
  // The step that leaves the block is no instruction; unfinished ones do not count.
  const bool counts = index < block.count() && flow < Flow::kAgain;
  const u64 done = index + (counts ? 1 : 0);
  core_.state.instructions += done;
  last_flow_ = flow;
  if (flow != Flow::kBranch) [[unlikely]] {
    Leave(flow, *step);
  }
  return done;
}

void Interpreter::Leave(Flow flow, const Step& step) {
  switch (flow) {
    case Flow::kEnd:
      core_.state.rip = core_.RipAfter(step);
      RefreshMode();
      break;
    case Flow::kTransfer:
      RefreshMode();
      break;
    case Flow::kFault:
      core_.state.rip = core_.RipOf(step);
      Deliver(core_.fault);
      break;
    case Flow::kFaultInNewTask:
      RefreshMode();
      Deliver(core_.fault);
      break;
    default:  // kAgain, kStale
      core_.state.rip = core_.RipOf(step);
      break;
  }
}

void Interpreter::Deliver(const Fault& fault) {
  Log(LogItem::kInt, "vcpu {}: exception {:#04x} error {:#x} address {:#x} at {:04x}:{:#x}",
      core_.id, static_cast<u8>(fault.vector), fault.error_code, fault.address,
      core_.state.Seg(SegReg::kCs).selector, core_.state.rip);
  DeliverFault(core_, fault);
  RefreshMode();
}

void Interpreter::TakeInterrupt(u8 vector) {
  DeliverInterrupt(core_, vector);
  RefreshMode();
}

void Interpreter::TakeNmi() {
  DeliverNmi(core_);
  RefreshMode();
}

}  // namespace tandem::cpu
