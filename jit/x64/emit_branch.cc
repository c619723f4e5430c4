#include "base/bits.h"
#include "jit/x64/emitter.h"

// Control flow of the guest. Calls keep the host's return prediction working; the targets of indirect
// jumps are searched in a table.
namespace tandem::jit {

using Xbyak::Reg64;

constexpr size_t kKeptTarget = offsetof(VcpuContext, spill) + 32;

// RIP of an offset.
void Emitter::LoadRip(const Reg64& to, i64 offset) {
  LoadContext(to, offsetof(VcpuContext, pc_base));
  if (offset == static_cast<i32>(offset)) {
    WithMemory(kLoadAddress, Word(to), AtHost(to, static_cast<i32>(offset)));
    return;
  }
  // Just beyond what a displacement holds.
  lea(to, ptr[to + static_cast<i32>(offset / 2)]);
  lea(to, ptr[to + static_cast<i32>(offset - offset / 2)]);
}

void Emitter::EmitConditional(size_t i) {
  const UnitInst& unit_inst = unit_->insts[i];
  NeedHostFlags();
  GoToIfCondition(unit_inst.inst.condition, unit_inst.target());
}

// JRCXZ and its like have short displacements only: they jump over one another.
void Emitter::EmitLoop(size_t i) {
  constexpr int kJumpIfCountIsZero = 0xe3, kShortJumpSize = 2, kJumpSize = 5;
  const UnitInst& unit_inst = unit_->insts[i];
  const cpu::Op op = unit_inst.inst.op;
  if (op == cpu::Op::kJcxz) {
    db(kJumpIfCountIsZero);
    db(kJumpSize);
  } else {
    if (op != cpu::Op::kLoop) {
      NeedHostFlags();
    }
    lea(Word(rcx), ptr[rcx - 1]);
    db(kJumpIfCountIsZero);
    db(kShortJumpSize);
    db(op == cpu::Op::kLoope ? 0x74 : op == cpu::Op::kLoopne ? 0x75 : 0xeb);
    db(kJumpSize);
  }
  const size_t not_taken = Jump();
  const Form form = form_;
  GoTo(unit_inst.target());
  form_ = form;
  Land(not_taken);
  GoTo(unit_inst.next());
}

// kScratch0 holds the RIP to go to, the flags are in memory, registers in their own places. site: of the
// branch, if its target may be one that it must not lead to.
void Emitter::LookUpBranch(Landing landing, BranchSite site) {
  Count(offsetof(VcpuContext, branch_lookups));
  CompareAttention();
  const size_t miss = JumpIf(kNotEqual);
  CompareBranch();
  const size_t wrong = JumpIf(kNotEqual);
  TakeBranchPage();
  putSeg(gs);
  landing ? call(BranchCode())
          : jmp(BranchCode());
  Later([this, landing, miss, wrong, site = site.Pack()] {
    Land(miss);
    LoadConstant(Scratch1(), site);
    LeaveBy(thunks_.branch, landing);
    Land(wrong);
    LoadConstant(Scratch1(), site);
    LeaveBy(thunks_.branch_miss, landing);
  });
}

// The target of an indirect jump or call, into kScratch0.
void Emitter::LoadTarget(size_t i) {
  const cpu::Inst& inst = unit_->insts[i].inst;
  const unsigned bytes = unit_->mode.code_bits / 8;
  if (inst.operands[0].IsMemory()) {
    const HostMem mem = Address(i, accesses_[i].memory);
    WithMemory(kLoad, Sized(kScratch0, bytes), mem);
  } else {
    Copy(Sized(kScratch0, bytes), Sized(GuestOr(inst.operands[0].reg, kScratch0), bytes));
  }
}

u32 Emitter::NewLanding() {
  landings_.push_back(0);
  return static_cast<u32>(landings_.size() - 1);
}

// Where a call returns to: kScratch0 holds the guest's return address, kScratch1 the BranchSite of what
// returns, the shadow stack what the address was when the call was made.
void Emitter::EmitLanding(size_t i, u32 landing) {
  const UnitInst& unit_inst = unit_->insts[i];
  landings_[landing] = getSize();
  WithMemory(kCompare, kScratch0, AtHost(rsp, 0));
  const size_t elsewhere = JumpIf(kNotEqual);
  pop(Scratch1());
  WithMemory(kLoadAddress, kScratch0, AtHost(kScratch0, -unit_inst.next()));
  StoreContext(offsetof(VcpuContext, pc_base), kScratch0);
  form_ = {FlagHome::kMemory, {}};
  Later([this, elsewhere] {
    Land(elsewhere);
    add(rsp, 8);
    JumpTo(thunks_.find_branch);
  });
  if (unit_->is_region) {
    EmitReentry(i);
  } else {
    GoTo(unit_inst.next());
  }
}

// Back into a region, unless it has been retired in the meantime.
void Emitter::EmitReentry(size_t i) {
  const UnitInst& unit_inst = unit_->insts[i];
  if (!unit_->FallsInto(i) && unit_->LeaderAt(unit_inst.next()) == nullptr) {
    GoTo(unit_inst.next());
    return;
  }
  LinkedJump(kJumpOpcode, 0, unit_inst.next());
  block_->exits.back().inside = Position();
  TakeHomes();
  if (!unit_->FallsInto(i)) {
    GoTo(unit_inst.next());
  }
}

// The return address goes to the guest's stack.
void Emitter::PushReturn(size_t i) {
  const int bytes = unit_->mode.code_bits / 8;
  const HostMem mem = Address(i, accesses_[i].stack);
  LoadRip(Scratch1(), unit_->insts[i].next());
  WithMemory(kStore, Sized(Scratch1(), static_cast<unsigned>(bytes)), mem);
  MoveStackPointer(-bytes);
}

void Emitter::EmitCall(size_t i) {
  const UnitInst& unit_inst = unit_->insts[i];
  const i64 target = unit_inst.target();
  const u32 landing = NewLanding();
  PushReturn(i);
  if (IsBackward(target)) {
    FreeHostFlags(LiveAt(target));
    Poll(target);
  }
  LoadRip(Scratch1(), unit_inst.next());
  push(Scratch1());
  LeaveFor(target, landing);
  EmitLanding(i, landing);
}

void Emitter::EmitCallIndirect(size_t i) {
  const u32 landing = NewLanding();
  const cpu::Operand& operand = unit_->insts[i].inst.operands[0];
  const bool is_kept = operand.IsMemory() || operand.reg == cpu::kRsp;  // over the push
  if (is_kept) {
    LoadTarget(i);
    StoreContext(kKeptTarget, kScratch0);
  }
  PushReturn(i);
  if (is_kept) {
    LoadContext(kScratch0, kKeptTarget);
  } else {
    LoadTarget(i);
  }
  ToMemoryForm(Scratch1());
  LeaveHomes();
  LoadRip(Scratch1(), unit_->insts[i].next());
  push(Scratch1());
  LookUpBranch(landing, {true, unit_->insts[i].offset, -unit_->mode.code_bits / 8});
  EmitLanding(i, landing);
}

void Emitter::EmitReturn(size_t i) {
  const UnitInst& unit_inst = unit_->insts[i];
  const unsigned bytes = unit_->mode.code_bits / 8;
  ToMemoryForm();
  const HostMem mem = Address(i, accesses_[i].stack);
  WithMemory(kLoad, Sized(kScratch0, bytes), mem);
  LeaveHomes();
  const i32 popped = static_cast<i32>(bytes + (unit_inst.inst.immediate & 0xffff));
  MoveStackPointer(popped);
  LoadConstant(Scratch1(), BranchSite{true, unit_inst.offset, popped}.Pack());
  ret();
}

void Emitter::EmitDirection(size_t i) {
  FreeHostFlags(live_[i].after);
  constexpr size_t kRflags = offsetof(VcpuContext, state.rflags);
  putSeg(gs);
  unit_->insts[i].inst.op == cpu::Op::kStd
      ? or_(dword[Xbyak::RegExp(kRflags)], static_cast<u32>(cpu::kFlagDf))
      : and_(dword[Xbyak::RegExp(kRflags)], static_cast<u32>(~cpu::kFlagDf));
}

}  // namespace tandem::jit
