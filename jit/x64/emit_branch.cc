#include "base/bits.h"
#include "jit/x64/emitter.h"

// Leaving a block: jumps that are linked to the next block once it exists, calls that keep the host's
// return prediction working, and the search for the targets of indirect jumps.
namespace tandem::jit {

using Xbyak::Label;
using Xbyak::Reg64;

constexpr size_t kAttention = offsetof(VcpuContext, attention);
constexpr size_t kKeptTarget = offsetof(VcpuContext, spill) + 32;
constexpr u8 kCallOpcode = 0xe8;
constexpr u8 kJumpOpcode = 0xe9;

i64 Emitter::TargetOf(const UnitInst& unit_inst) const {
  return i64{unit_inst.next()} + static_cast<i64>(unit_inst.inst.immediate);
}

// RIP of an offset from the start of this page.
void Emitter::LoadRip(const Reg64& to, i64 page_offset) {
  LoadContext(to, offsetof(VcpuContext, pc_base));
  if (page_offset == static_cast<i32>(page_offset)) {
    lea(Word(to), ptr[to + static_cast<i32>(page_offset)]);
    return;
  }
  // Just beyond what a displacement holds.
  lea(to, ptr[to + static_cast<i32>(page_offset / 2)]);
  lea(to, ptr[to + static_cast<i32>(page_offset - page_offset / 2)]);
}

void Emitter::LeaveTo(const u8* thunk, u16 page_offset) {
  ToMemoryForm();
  mov(kScratch0.cvt32(), page_offset);
  jmp(thunk);
}

// Before a jump backward: a loop must notice that somebody wants attention.
void Emitter::Poll(u16 page_offset) {
  auto wanted = std::make_shared<Label>();
  putSeg(gs);
  cmp(dword[Xbyak::RegExp(kAttention)], 0);
  jne(*wanted, T_NEAR);
  Later([this, wanted, page_offset] {
    L(*wanted);
    mov(kScratch0.cvt32(), page_offset);
    jmp(thunks_.poll);
  });
}

// A jump (or call, or conditional jump) whose displacement can be changed while others run it.
void Emitter::LinkedJump(u8 opcode, u8 condition, u16 page_offset) {
  const bool is_conditional = opcode == 0;
  const size_t opcode_size = is_conditional ? 2 : 1;
  while ((reinterpret_cast<u64>(getCurr()) + opcode_size) % 8 > 4) {
    nop();
  }
  if (is_conditional) {
    db(0x0f);
    db(0x80 | condition);
  } else {
    db(opcode);
  }
  const u32 site = static_cast<u32>(block_->exits.size());
  const bool in_host = flags_ == FlagHome::kHost;
  block_->exits.push_back({Position(), 0, page_offset, in_host, nullptr});
  dd(0);
  Later([this, site, in_host] {
    ExitSite& exit = block_->exits[site];
    exit.stub = Position();
    const u32 displacement = exit.stub - (exit.rel32 + 4);
    rewrite(static_cast<size_t>(block_->code + exit.rel32 - getCode()), displacement, 4);
    if (in_host) {
      SaveFlags(kScratch0);
    }
    call(thunks_.link);
    dq(reinterpret_cast<u64>(block_));
    dd(site);
  });
}

// Ends the block. live: the flags that the target may need.
void Emitter::GoTo(i64 page_offset, u32 live) {
  const bool is_backward = page_offset < from_;
  if (!IsInPage(page_offset) || unit_->crosses_page) {
    ToMemoryForm();
    LoadRip(kScratch0, page_offset);
    LookUpBranch(false);
    return;
  }
  if (is_backward) {
    FreeHostFlags(live);
    Poll(static_cast<u16>(page_offset));
  }
  LinkedJump(kJumpOpcode, 0, static_cast<u16>(page_offset));
}

// Taken if the condition holds; goes on behind it otherwise.
void Emitter::GoToIfCondition(u8 condition, i64 page_offset) {
  const bool is_forward = page_offset >= from_;
  if (IsInPage(page_offset) && is_forward && !unit_->crosses_page) {
    LinkedJump(0, condition, static_cast<u16>(page_offset));
    return;
  }
  const FlagHome flags = flags_;
  if (IsInPage(page_offset) && !unit_->crosses_page) {
    // A loop: its way back is the straight one.
    db(0x0f);
    db(0x80 | (condition ^ 1));
    const size_t rel32 = getSize();
    dd(0);
    GoTo(page_offset, request_->flags_needed_at(static_cast<u16>(page_offset)));
    rewrite(rel32, getSize() - (rel32 + 4), 4);
    flags_ = flags;
    return;
  }
  db(0x0f);
  db(0x80 | condition);
  const size_t rel32 = getSize();
  dd(0);
  Later([this, rel32, flags, page_offset] {
    rewrite(rel32, getSize() - (rel32 + 4), 4);
    flags_ = flags;
    GoTo(page_offset, static_cast<u32>(cpu::kArithFlags));
  });
}

void Emitter::EmitConditional(size_t i) {
  const UnitInst& unit_inst = unit_->insts[i];
  NeedHostFlags();
  GoToIfCondition(unit_inst.inst.condition, TargetOf(unit_inst));
}

void Emitter::EmitLoop(size_t i) {
  const UnitInst& unit_inst = unit_->insts[i];
  const cpu::Op op = unit_inst.inst.op;
  const u32 all = static_cast<u32>(cpu::kArithFlags);
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
  const FlagHome flags = flags_;
  GoTo(TargetOf(unit_inst), all);
  flags_ = flags;
  L(not_taken);
  GoTo(unit_inst.next(), all);
}

// kScratch0 holds the RIP to go to, the flags are in memory.
void Emitter::LookUpBranch(bool is_call) {
  auto miss = std::make_shared<Label>();
  auto landing = std::make_shared<Label>();
  constexpr size_t kBranches = offsetof(VcpuContext, branches);
  putSeg(gs);
  cmp(dword[Xbyak::RegExp(kAttention)], 0);
  jne(*miss, T_NEAR);
  mov(kScratch1.cvt32(), kScratch0.cvt32());
  and_(kScratch1.cvt32(), kBranchEntries - 1);
  shl(kScratch1.cvt32(), 5);
  putSeg(gs);
  xor_(kScratch0, At(offsetof(VcpuContext, branch_salt)));
  putSeg(gs);
  cmp(kScratch0, At(kScratch1, kBranches + offsetof(BranchEntry, tag)));
  auto wrong = std::make_shared<Label>();
  jne(*wrong, T_NEAR);
  LoadIndexed(kScratch0, kScratch1, kBranches + offsetof(BranchEntry, pc_base));
  StoreContext(offsetof(VcpuContext, pc_base), kScratch0);
  putSeg(gs);
  is_call ? call(At(kScratch1, kBranches + offsetof(BranchEntry, code)))
          : jmp(At(kScratch1, kBranches + offsetof(BranchEntry, code)));
  L(*landing);
  Later([this, is_call, miss, wrong, landing] {
    const auto leave = [&](const u8* thunk) {
      if (is_call) {
        call(thunk);
        jmp(*landing, T_NEAR);
      } else {
        jmp(thunk);
      }
    };
    L(*miss);
    leave(thunks_.branch);
    L(*wrong);
    leave(thunks_.branch_miss);
  });
}

// The target of an indirect jump or call, into kScratch0.
void Emitter::LoadTarget(size_t i) {
  const cpu::Inst& inst = unit_->insts[i].inst;
  const unsigned bytes = unit_->mode.code_bits / 8;
  if (inst.operands[0].IsMemory()) {
    const HostMem mem = Address(i, accesses_[i].memory);
    mov(Sized(kScratch0, bytes), Mem(mem, bytes));
    return;
  }
  mov(Sized(kScratch0, bytes), Sized(GuestOr(inst.operands[0].reg, kScratch0), bytes));
}

void Emitter::EmitJumpIndirect(size_t i) {
  LoadTarget(i);
  StoreContext(kKeptTarget, kScratch0);
  ToMemoryForm();
  LoadContext(kScratch0, kKeptTarget);
  LookUpBranch(false);
}

// Where a call returns to: kScratch0 holds the guest's return address, the shadow stack what it was
// when the call was made.
void Emitter::EmitLanding(u16 return_offset) {
  auto elsewhere = std::make_shared<Label>();
  pop(kScratch1);
  cmp(kScratch0, kScratch1);
  jne(*elsewhere, T_NEAR);
  lea(kScratch0, ptr[kScratch0 - return_offset]);
  StoreContext(offsetof(VcpuContext, pc_base), kScratch0);
  flags_ = FlagHome::kMemory;
  if (IsInPage(return_offset) && !unit_->crosses_page) {
    LinkedJump(kJumpOpcode, 0, return_offset);
  } else {
    LoadRip(kScratch0, return_offset);
    LookUpBranch(false);
  }
  Later([this, elsewhere] {
    L(*elsewhere);
    jmp(thunks_.find_branch);
  });
}

void Emitter::EmitCall(size_t i) {
  const UnitInst& unit_inst = unit_->insts[i];
  const i64 target = TargetOf(unit_inst);
  const bool is_linked = IsInPage(target) && !unit_->crosses_page;
  const HostMem mem = Address(i, accesses_[i].stack);
  LoadRip(kScratch1, unit_inst.next());
  mov(Mem(mem, unit_->mode.code_bits / 8), Sized(kScratch1, unit_->mode.code_bits / 8));
  MoveStackPointer(-(unit_->mode.code_bits / 8));
  if (is_linked) {
    if (target < unit_inst.next()) {
      ToMemoryForm();
      Poll(static_cast<u16>(target));
      LoadRip(kScratch1, unit_inst.next());
    }
    push(kScratch1);
    LinkedJump(kCallOpcode, 0, static_cast<u16>(target));
  } else {
    ToMemoryForm();
    LoadRip(kScratch0, unit_inst.next());
    push(kScratch0);
    LoadRip(kScratch0, target);
    LookUpBranch(true);
  }
  EmitLanding(unit_inst.next());
}

void Emitter::EmitCallIndirect(size_t i) {
  const UnitInst& unit_inst = unit_->insts[i];
  const unsigned bytes = unit_->mode.code_bits / 8;
  LoadTarget(i);
  StoreContext(kKeptTarget, kScratch0);
  const HostMem mem = Address(i, accesses_[i].stack);
  LoadRip(kScratch1, unit_inst.next());
  mov(Mem(mem, bytes), Sized(kScratch1, bytes));
  MoveStackPointer(-static_cast<i32>(bytes));
  ToMemoryForm();
  LoadRip(kScratch0, unit_inst.next());
  push(kScratch0);
  LoadContext(kScratch0, kKeptTarget);
  LookUpBranch(true);
  EmitLanding(unit_inst.next());
}

void Emitter::EmitReturn(size_t i) {
  const UnitInst& unit_inst = unit_->insts[i];
  const unsigned bytes = unit_->mode.code_bits / 8;
  ToMemoryForm();
  const HostMem mem = Address(i, accesses_[i].stack);
  mov(Sized(kScratch0, bytes), Mem(mem, bytes));
  MoveStackPointer(static_cast<i32>(bytes + (unit_inst.inst.immediate & 0xffff)));
  ret();
}

void Emitter::EmitDirection(size_t i) {
  FreeHostFlags(live_[i]);
  constexpr size_t kRflags = offsetof(VcpuContext, state.rflags);
  putSeg(gs);
  unit_->insts[i].inst.op == cpu::Op::kStd
      ? or_(dword[Xbyak::RegExp(kRflags)], static_cast<u32>(cpu::kFlagDf))
      : and_(dword[Xbyak::RegExp(kRflags)], static_cast<u32>(~cpu::kFlagDf));
}

}  // namespace tandem::jit
