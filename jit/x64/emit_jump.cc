#include <algorithm>

#include "jit/x64/emitter.h"

// Jumps to known places: within the unit, to other blocks by links that are patched once these exist,
// and to other pages.
namespace tandem::jit {

// The flags that the code at an offset may need.
u32 Emitter::LiveAt(i64 offset) {
  const UnitInst* const inside = unit_->LeaderAt(offset);
  return inside != nullptr ? live_[static_cast<size_t>(inside - unit_->insts.data())].before
                           : request_->flags_needed_at(offset);
}

void Emitter::SetSite(i64 offset) {
  LoadConstant(kScratch0, SiteRecord{static_cast<i32>(offset), form_.homes}.Pack());
}

void Emitter::LeaveTo(const u8* thunk, i32 offset) {
  ToMemoryForm();
  SetSite(offset);
  JumpTo(thunk);
}

// Before a jump backward: a loop must notice that somebody wants attention.
void Emitter::Poll(i64 offset) {
  CompareAttention();
  const size_t wanted = JumpIf(kNotEqual);
  Later([this, wanted, offset, form = form_] {
    form_ = form;
    Land(wanted);
    if (SiteRecord::Holds(offset)) {
      SetSite(offset);
      JumpTo(thunks_.poll);
    } else {
      LeaveHomes();
      LoadRip(kScratch0, offset);
      LoadConstant(Scratch1(), BranchSite{}.Pack());
      JumpTo(thunks_.branch);
    }
  });
}

// A jump (or call, or conditional jump) whose displacement can be changed while others run it.
void Emitter::LinkedJump(u8 opcode, u8 condition, i64 offset) {
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
  const bool in_host = form_.flags == FlagHome::kHost;
  const u64 page = request_->window.At(PageOf(offset))->host();
  ExitSite exit;
  exit.rel32 = Position();
  exit.target = page + OffsetInPage(offset);
  exit.flags_in_host = in_host;
  block_->exits.push_back(exit);
  dd(0);
  Later([this, site, in_host, offset] { EmitStub(site, in_host, PageOf(offset)); });
}

// Where a jump leads that is not linked. Jumps out of the unit have set pc_base already; those within
// it, once retired, have not.
void Emitter::EmitStub(u32 site, bool flags_in_host, i64 page) {
  ExitSite& exit = block_->exits[site];
  exit.stub = Position();
  Land(static_cast<size_t>(block_->code + exit.rel32 - getCode()));
  if (flags_in_host) {
    SaveFlags(kScratch0);
  }
  if (exit.inside != 0 && page != 0) {
    LoadRip(kScratch0, page * kPageBytes);
    StoreContext(offsetof(VcpuContext, pc_base), kScratch0);
  }
  CallTo(thunks_.link);
  dq(reinterpret_cast<u64>(block_));
  dd(site);
}

// Whether the jump backward from the instruction before from_ is one to look for attention at.
bool Emitter::NeedsPoll(size_t to) const {
  return !unit_->is_region || std::ranges::any_of(polls_.backward, [&](const BackwardJump& jump) {
    return jump.to == to && unit_->insts[jump.from].next() == from_;
  });
}

// Ends a path: on to code at an offset.
void Emitter::GoTo(i64 offset) {
  if (const UnitInst* inside = unit_->LeaderAt(offset)) {
    JumpInside(*inside);
  } else {
    if (IsBackward(offset)) {
      FreeHostFlags(LiveAt(offset));
      Poll(offset);
    }
    LeaveFor(offset, std::nullopt);
  }
}

void Emitter::JumpInside(const UnitInst& target) {
  const size_t index = static_cast<size_t>(&target - unit_->insts.data());
  if (IsBackward(target.offset) && NeedsPoll(index)) {
    FreeHostFlags(live_[index].before);
    Poll(target.offset);
  }
  if (const FastLoop* const loop = FastLoopTo(index)) {
    Later([this, loop, rel32 = Jump()] {
      Land(rel32);
      EmitFastLoop(*loop);
    });
    return;
  }
  if (live_[index].before != 0) {
    NeedHostFlags();
  }
  BringKept(index);
  JumpToLeader(Jump(), index);
}

// Out of the unit by a jump or, with a landing, by a call, which has pushed what the landing compares.
void Emitter::LeaveFor(i64 offset, Landing landing) {
  const i64 page = PageOf(offset);
  const CodeWindow::Page* const target =
      unit_->mode.code_bits != 16 || page == 0 ? request_->window.At(page) : nullptr;
  if (target == nullptr) {
    ToMemoryForm();
    LeaveHomes();
    LoadRip(kScratch0, offset);
    LookUpBranch(landing, {});
    return;
  }
  if (page != 0) {
    FreeHostFlags(LiveAt(offset));
    LeaveHomes();
    EnterPage(offset, target->id, landing);
  }
  LeaveHomes();
  LinkedJump(landing ? kCallOpcode : kJumpOpcode, 0, offset);
}

// pc_base goes to the page of an offset, which must still be mapped there.
void Emitter::EnterPage(i64 offset, u32 id, Landing landing) {
  LoadRip(kScratch0, PageOf(offset) * kPageBytes);
  StoreContext(offsetof(VcpuContext, pc_base), kScratch0);
  if (!unit_->LiesIn(PageOf(offset))) {
    const size_t wrong = CheckPage(id);
    Later([this, wrong, offset, landing] {
      Land(wrong);
      form_ = {FlagHome::kMemory, {}};
      SetSite(OffsetInPage(offset));
      LeaveBy(thunks_.verify, landing);
    });
  }
}

// Whether the page whose RIP kScratch0 holds is mapped to the code page with this number. Returns the
// jump that is taken if it is not.
size_t Emitter::CheckPage(u32 id) {
  WithContext(kXor, kScratch0, offsetof(VcpuContext, branch_salt));
  WithContext(kCompare, kScratch0, offsetof(VcpuContext, page_tags) + 8 * id);
  return JumpIf(kNotEqual);
}

// When all landings stand.
void Emitter::LeaveBy(const u8* thunk, Landing landing) {
  if (landing) {
    CallTo(thunk);
    Land(Jump(), landings_[*landing]);
  } else {
    JumpTo(thunk);
  }
}

// Taken if the condition holds; goes on behind it otherwise.
void Emitter::GoToIfCondition(u8 condition, i64 offset) {
  if (fast_ != nullptr) {
    LeaveFastIf(condition, offset);
    return;
  }
  const UnitInst* const inside = unit_->LeaderAt(offset);
  const bool is_forward = !IsBackward(offset);
  if (inside != nullptr && is_forward) {
    const size_t index = static_cast<size_t>(inside - unit_->insts.data());
    BringKept(index);
    JumpToLeader(JumpIf(condition), index);
    return;
  }
  if (inside == nullptr && is_forward && PageOf(offset) == 0 && form_.homes.IsDefault()) {
    LinkedJump(0, condition, offset);
    return;
  }
  const Form form = form_;
  if (inside != nullptr || (PageOf(offset) == 0 && !unit_->is_region)) {
    // A loop: its way back is the straight one.
    const size_t rel32 = JumpIf(condition ^ 1);
    GoTo(offset);
    Land(rel32);
    form_ = form;
    return;
  }
  const size_t rel32 = JumpIf(condition);
  Later([this, rel32, form, offset, from = from_] {
    Land(rel32);
    form_ = form;
    from_ = from;
    GoTo(offset);
  });
}

}  // namespace tandem::jit
