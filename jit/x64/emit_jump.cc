#include "jit/x64/emitter.h"

// Jumps to known places: within the unit, to other blocks by links that are patched once these exist,
// and to other pages.
namespace tandem::jit {

using Xbyak::Label;
using Xbyak::RegExp;

constexpr size_t kAttention = offsetof(VcpuContext, attention);
constexpr u8 kCallOpcode = 0xe8;
constexpr u8 kJumpOpcode = 0xe9;
constexpr u8 kNotEqual = 5;

// The flags that the code at an offset may need.
u32 Emitter::LiveAt(i64 offset) {
  const UnitInst* const inside = unit_->LeaderAt(offset);
  return inside != nullptr ? live_[static_cast<size_t>(inside - unit_->insts.data())].before
                           : request_->flags_needed_at(offset);
}

void Emitter::SetSite(i64 offset) {
  mov(kScratch0.cvt32(), SiteRecord{static_cast<i32>(offset), form_.homes}.Pack());
}

void Emitter::LeaveTo(const u8* thunk, i32 offset) {
  ToMemoryForm();
  SetSite(offset);
  jmp(thunk);
}

// Before a jump backward: a loop must notice that somebody wants attention.
void Emitter::Poll(i64 offset) {
  auto wanted = std::make_shared<Label>();
  putSeg(gs);
  cmp(dword[RegExp(kAttention)], 0);
  jne(*wanted, T_NEAR);
  Later([this, wanted, offset, form = form_] {
    form_ = form;
    L(*wanted);
    if (SiteRecord::Holds(offset)) {
      SetSite(offset);
      jmp(thunks_.poll);
    } else {
      LeaveHomes();
      LoadRip(kScratch0, offset);
      jmp(thunks_.branch);
    }
  });
}

// A jump whose target Land says; returns where its displacement lies.
size_t Emitter::JumpIf(u8 condition) {
  db(0x0f);
  db(0x80 | condition);
  dd(0);
  return getSize() - 4;
}

void Emitter::JumpIf(u8 condition, const Label& target) {
  switch (condition) {
    case 0x0: return jo(target, T_NEAR);
    case 0x1: return jno(target, T_NEAR);
    case 0x2: return jb(target, T_NEAR);
    case 0x3: return jae(target, T_NEAR);
    case 0x4: return je(target, T_NEAR);
    case 0x5: return jne(target, T_NEAR);
    case 0x6: return jbe(target, T_NEAR);
    case 0x7: return ja(target, T_NEAR);
    case 0x8: return js(target, T_NEAR);
    case 0x9: return jns(target, T_NEAR);
    case 0xa: return jp(target, T_NEAR);
    case 0xb: return jnp(target, T_NEAR);
    case 0xc: return jl(target, T_NEAR);
    case 0xd: return jge(target, T_NEAR);
    case 0xe: return jle(target, T_NEAR);
    default: return jg(target, T_NEAR);
  }
}

void Emitter::Land(size_t rel32) { rewrite(rel32, getSize() - (rel32 + 4), 4); }

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

// Where a jump leads that is not linked. Jumps out of the unit have set pc_base already; those within it, once retired, have not.
void Emitter::EmitStub(u32 site, bool flags_in_host, i64 page) {
  ExitSite& exit = block_->exits[site];
  exit.stub = Position();
  const u32 displacement = exit.stub - (exit.rel32 + 4);
  rewrite(static_cast<size_t>(block_->code + exit.rel32 - getCode()), displacement, 4);
  if (flags_in_host) {
    SaveFlags(kScratch0);
  }
  if (exit.inside != 0 && page != 0) {
    LoadRip(kScratch0, page * kPageBytes);
    StoreContext(offsetof(VcpuContext, pc_base), kScratch0);
  }
  call(thunks_.link);
  dq(reinterpret_cast<u64>(block_));
  dd(site);
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
    LeaveFor(offset, nullptr);
  }
}

void Emitter::JumpInside(const UnitInst& target) {
  const size_t index = static_cast<size_t>(&target - unit_->insts.data());
  if (IsBackward(target.offset)) {
    FreeHostFlags(live_[index].before);
    Poll(target.offset);
  }
  if (const FastLoop* const loop = FastLoopTo(index)) {
    db(kJumpOpcode);
    dd(0);
    Later([this, loop, rel32 = getSize() - 4] {
      Land(rel32);
      EmitFastLoop(*loop);
    });
    return;
  }
  if (live_[index].before != 0) {
    NeedHostFlags();
  }
  jmp(labels_[index], T_NEAR);
}

// Out of the unit by a jump or, with a landing, by a call, which has pushed what the landing compares.
void Emitter::LeaveFor(i64 offset, const Landing& landing) {
  const i64 page = PageOf(offset);
  const CodeWindow::Page* const target =
      unit_->mode.code_bits != 16 || page == 0 ? request_->window.At(page) : nullptr;
  if (target == nullptr) {
    ToMemoryForm();
    LeaveHomes();
    LoadRip(kScratch0, offset);
    LookUpBranch(landing);
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
void Emitter::EnterPage(i64 offset, u32 id, const Landing& landing) {
  LoadRip(kScratch0, PageOf(offset) * kPageBytes);
  StoreContext(offsetof(VcpuContext, pc_base), kScratch0);
  if (!unit_->LiesIn(PageOf(offset))) {
    CheckPage(id, [this, offset, landing] {
      form_ = {FlagHome::kMemory, {}};
      SetSite(OffsetInPage(offset));
      LeaveBy(thunks_.verify, landing);
    });
  }
}

// Whether the page whose RIP kScratch0 holds is mapped to the code page with this number.
void Emitter::CheckPage(u32 id, std::function<void()> wrong) {
  putSeg(gs);
  xor_(kScratch0, At(offsetof(VcpuContext, branch_salt)));
  putSeg(gs);
  cmp(kScratch0, At(offsetof(VcpuContext, page_tags) + 8 * id));
  const size_t rel32 = JumpIf(kNotEqual);
  Later([this, rel32, wrong = std::move(wrong)] {
    Land(rel32);
    wrong();
  });
}

void Emitter::LeaveBy(const u8* thunk, const Landing& landing) {
  if (landing) {
    call(thunk);
    jmp(*landing, T_NEAR);
  } else {
    jmp(thunk);
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
    JumpIf(condition, labels_[static_cast<size_t>(inside - unit_->insts.data())]);
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
