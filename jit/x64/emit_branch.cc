#include "base/bits.h"
#include "jit/x64/emitter.h"

// Control flow of the guest. Calls keep the host's return prediction working; the targets of indirect
// jumps are searched in a table.
namespace tandem::jit {

using Xbyak::Label;
using Xbyak::Reg64;

constexpr size_t kAttention = offsetof(VcpuContext, attention);
constexpr size_t kKeptTarget = offsetof(VcpuContext, spill) + 32;
constexpr u8 kJumpOpcode = 0xe9;

// RIP of an offset.
void Emitter::LoadRip(const Reg64& to, i64 offset) {
  LoadContext(to, offsetof(VcpuContext, pc_base));
  if (offset == static_cast<i32>(offset)) {
    lea(Word(to), ptr[to + static_cast<i32>(offset)]);
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

void Emitter::EmitLoop(size_t i) {
  const UnitInst& unit_inst = unit_->insts[i];
  const cpu::Op op = unit_inst.inst.op;
  Label taken, not_taken;
  if (op == cpu::Op::kJcxz) {
    jrcxz(taken);
    jmp(not_taken, T_NEAR);
    L(taken);
  } else {
    if (op != cpu::Op::kLoop) {
      NeedHostFlags();
    }
    lea(Word(rcx), ptr[rcx - 1]);
    Label zero;
    jrcxz(zero);
    Label go;
    if (op == cpu::Op::kLoope) {
      je(go);
    } else if (op == cpu::Op::kLoopne) {
      jne(go);
    } else {
      jmp(go);
    }
    L(zero);
    jmp(not_taken, T_NEAR);
    L(go);
  }
  const Form form = form_;
  GoTo(unit_inst.target());
  form_ = form;
  L(not_taken);
  GoTo(unit_inst.next());
}

// kScratch0 holds the RIP to go to, the flags are in memory, registers in their own places.
void Emitter::LookUpBranch(const Landing& landing) {
  auto miss = std::make_shared<Label>();
  auto wrong = std::make_shared<Label>();
  Count(offsetof(VcpuContext, branch_lookups));
  putSeg(gs);
  cmp(dword[Xbyak::RegExp(kAttention)], 0);
  jne(*miss, T_NEAR);
  CompareBranch();
  jne(*wrong, T_NEAR);
  TakeBranchPage();
  putSeg(gs);
  landing ? call(BranchCode())
          : jmp(BranchCode());
  Later([this, landing, miss, wrong] {
    L(*miss);
    LeaveBy(thunks_.branch, landing);
    L(*wrong);
    LeaveBy(thunks_.branch_miss, landing);
  });
}

// The target of an indirect jump or call is put aside.
void Emitter::KeepTarget(size_t i) {
  const cpu::Inst& inst = unit_->insts[i].inst;
  const unsigned bytes = unit_->mode.code_bits / 8;
  if (inst.operands[0].IsMemory()) {
    const HostMem mem = Address(i, accesses_[i].memory);
    mov(Sized(kScratch0, bytes), Mem(mem, bytes));
  } else {
    mov(Sized(kScratch0, bytes), Sized(GuestOr(inst.operands[0].reg, kScratch0), bytes));
  }
  StoreContext(kKeptTarget, kScratch0);
}

void Emitter::EmitJumpIndirect(size_t i) {
  KeepTarget(i);
  ToMemoryForm();
  LeaveHomes();
  LoadContext(kScratch0, kKeptTarget);
  LookUpBranch(nullptr);
}

// Where a call returns to: kScratch0 holds the guest's return address, the shadow stack what it was
// when the call was made.
void Emitter::EmitLanding(size_t i, const Landing& landing) {
  const UnitInst& unit_inst = unit_->insts[i];
  auto elsewhere = std::make_shared<Label>();
  L(*landing);
  pop(kScratch1);
  cmp(kScratch0, kScratch1);
  jne(*elsewhere, T_NEAR);
  lea(kScratch0, ptr[kScratch0 - unit_inst.next()]);
  StoreContext(offsetof(VcpuContext, pc_base), kScratch0);
  form_ = {FlagHome::kMemory, {}};
  Later([this, elsewhere] {
    L(*elsewhere);
    jmp(thunks_.find_branch);
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
  LoadRip(kScratch1, unit_->insts[i].next());
  mov(Mem(mem, static_cast<unsigned>(bytes)), Sized(kScratch1, static_cast<unsigned>(bytes)));
  MoveStackPointer(-bytes);
}

void Emitter::EmitCall(size_t i) {
  const UnitInst& unit_inst = unit_->insts[i];
  const i64 target = unit_inst.target();
  const auto landing = std::make_shared<Label>();
  PushReturn(i);
  if (IsBackward(target)) {
    FreeHostFlags(LiveAt(target));
    Poll(target);
  }
  LoadRip(kScratch1, unit_inst.next());
  push(kScratch1);
  LeaveFor(target, landing);
  EmitLanding(i, landing);
}

void Emitter::EmitCallIndirect(size_t i) {
  const auto landing = std::make_shared<Label>();
  KeepTarget(i);
  PushReturn(i);
  ToMemoryForm();
  LeaveHomes();
  LoadRip(kScratch0, unit_->insts[i].next());
  push(kScratch0);
  LoadContext(kScratch0, kKeptTarget);
  LookUpBranch(landing);
  EmitLanding(i, landing);
}

void Emitter::EmitReturn(size_t i) {
  const UnitInst& unit_inst = unit_->insts[i];
  const unsigned bytes = unit_->mode.code_bits / 8;
  ToMemoryForm();
  const HostMem mem = Address(i, accesses_[i].stack);
  mov(Sized(kScratch0, bytes), Mem(mem, bytes));
  LeaveHomes();
  MoveStackPointer(static_cast<i32>(bytes + (unit_inst.inst.immediate & 0xffff)));
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
