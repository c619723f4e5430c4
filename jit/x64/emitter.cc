#include "jit/x64/emitter.h"

#include <algorithm>

#include "base/check.h"
#include "jit/x64/register_homes.h"

namespace tandem::jit {

std::unique_ptr<Block> Emitter::Emit(const EmitRequest& request, u8* at) {
  auto block = std::make_unique<Block>();
  request_ = &request;
  unit_ = &request.unit;
  block_ = block.get();
  block_->code = at;
  block_->points.reserve(2 * unit_->insts.size());
  MoveTo(at);
  if (unit_->is_region && Is64()) {
    request.unit.homes = ChooseHomes(*unit_);
  }
  EmitAll();
  block_->is_region = unit_->is_region;
  if (!unit_->hints.empty()) {
    block_->MakeExtras().hints = unit_->hints;
  }
  block_->homes = unit_->homes;
  block_->code_size = Position();
  return block;
}

void Emitter::EmitAll() {
  live_ = LiveFlags(*unit_, request_->flags_needed_at);
  accesses_ = PlanAccesses(*unit_, request_->is_watched ? GroupReach::kBlock : GroupReach::kWays);
  polls_ = unit_->is_region ? FindPolls(*unit_) : Polls();
  fast_loops_ = FindFastLoops(*unit_, accesses_);
  std::erase_if(fast_loops_, [&](const FastLoop& loop) {
    return live_[loop.head].before != 0 || request_->is_watched;
  });
  other_pages_ = unit_->OtherPages();
  leaders_.resize(unit_->insts.size());
  FindJumpTargets();
  EmitEntries();
  for (size_t i = 0; i < unit_->insts.size(); ++i) {
    const UnitInst& unit_inst = unit_->insts[i];
    from_ = unit_inst.next();
    EmitLeader(i);
    NotePoint(unit_inst.offset, false);
    EmitInst(i);
    if (!EndsUnit(unit_inst.treatment) && !unit_->FallsInto(i)) {
      GoTo(unit_inst.next());
    }
  }
  block_->cold = Position();
  EmitCold();
  EmitJumpTable();
  LandInside();
}

// Pages must be checked before anything else, which overwrites the flags.
void Emitter::EmitEntries() {
  const bool needs_flags = live_[unit_->entry].before != 0;
  const bool checks = !other_pages_.empty();
  form_ = {};
  block_->entry_in_host = Position();
  if (checks && needs_flags) {
    SaveFlags(kScratch0);
  }
  block_->entry_in_memory = Position();
  from_ = unit_->start();
  for (const i64 page : other_pages_) {
    LoadRip(kScratch0, page * kPageBytes);
    const size_t wrong = CheckPage(request_->window.At(page)->id);
    Later([this, wrong] {
      Land(wrong);
      form_ = {FlagHome::kMemory, {}};
      LeaveTo(thunks_.verify, unit_->start());
    });
  }
  if (needs_flags) {
    RestoreFlags(kScratch0);
  }
  if (!checks) {
    block_->entry_in_host = Position();
  }
  CHECK(Position() <= 0xffff);  // what Block has room for
  CountEntry();
  TakeHomes();
  if (unit_->entry != 0) {
    JumpToLeader(Jump(), unit_->entry);
  }
}

// Whoever comes to a leader has the flags in EFLAGS, if they are needed there.
void Emitter::EmitLeader(size_t i) {
  if (!unit_->insts[i].is_leader) {
    return;
  }
  if (i > 0 && unit_->FallsInto(i - 1) && live_[i].before != 0) {
    NeedHostFlags();
  }
  if (i > 0 && unit_->FallsInto(i - 1)) {
    BringKept(i);
  }
  leaders_[i] = getSize();
  const AccessPlan* const kept = accesses_[i].kept;
  form_ = {FlagHome::kHost, unit_->homes, kept != nullptr ? AddendOffset(*kept) : 0};
  if (request_->is_watched) {
    TellOfEntry(i);
  }
}

// For logs and checks: slow, as all registers go to memory and back.
void Emitter::TellOfEntry(size_t i) {
  FreeHostFlags(live_[i].before);
  LeaveHomes();
  call(thunks_.entered);
  dq(reinterpret_cast<u64>(block_));
  dd(static_cast<u32>(unit_->insts[i].offset));
  TakeHomes();
  NeedHostFlags();
}

void Emitter::EmitCold() {
  for (size_t i = 0; i < cold_.size(); ++i) {
    const KeptCall emit = cold_[i];  // it may add more
    emit();
  }
  cold_.clear();
}

void Emitter::LandInside() {
  for (const InsideJump& jump : inside_jumps_) {
    Land(jump.rel32, leaders_[jump.leader]);
  }
  inside_jumps_.clear();
  landings_.clear();
}

void Emitter::NotePoint(i32 offset, bool flags_in_host) {
  CHECK(SiteRecord::Holds(offset));
  const CodePoint point{Position(), flags_in_host, static_cast<i16>(offset)};
  if (!block_->points.empty() && block_->points.back().host == point.host) {
    block_->points.back() = point;
  } else {
    block_->points.push_back(point);
  }
}

// Keeps EFLAGS.
void Emitter::CountEntry() {
  constexpr size_t kCounter = offsetof(VcpuContext, block_entries);
  if (request_->is_counted) {
    LoadContext(kScratch0, kCounter);
    lea(kScratch0, ptr[kScratch0 + 1]);
    StoreContext(kCounter, kScratch0);
  }
}

// counter: offset in the context. Overwrites EFLAGS.
void Emitter::Count(size_t counter) {
  if (request_->is_counted) {
    putSeg(gs);
    inc(qword[Xbyak::RegExp(counter)]);
  }
}

Xbyak::Reg Emitter::Sized(const Xbyak::Reg64& reg, unsigned bytes) const {
  switch (bytes) {
    case 1:
      return reg.cvt8();
    case 2:
      return reg.cvt16();
    case 4:
      return reg.cvt32();
    default:
      return reg;
  }
}

void Emitter::EmitInst(size_t i) {
  const UnitInst& unit_inst = unit_->insts[i];
  if (!LeavesScratch(unit_inst.treatment)) {
    form_.kept = 0;
  }
  switch (unit_inst.treatment) {
    case Treatment::kCopy:
      return EmitCopy(i);
    case Treatment::kNothing:
      return;
    case Treatment::kLea:
      return EmitLea(i);
    case Treatment::kPush:
      return EmitPush(i);
    case Treatment::kPop:
      return EmitPop(i);
    case Treatment::kLeave:
      return EmitLeave(i);
    case Treatment::kConditional:
      return EmitConditional(i);
    case Treatment::kJump:
      return GoTo(unit_inst.target());
    case Treatment::kJumpIndirect:
      return EmitJumpIndirect(i);
    case Treatment::kCall:
      return EmitCall(i);
    case Treatment::kCallIndirect:
      return EmitCallIndirect(i);
    case Treatment::kReturn:
      return EmitReturn(i);
    case Treatment::kLoop:
      return EmitLoop(i);
    case Treatment::kDirection:
      return EmitDirection(i);
    case Treatment::kNeedX87:
      return LeaveTo(thunks_.load_x87, unit_inst.offset);
    case Treatment::kNeedVectors:
      return LeaveTo(thunks_.load_vectors, unit_inst.offset);
    case Treatment::kPushFlags:
      return EmitPushFlags(i);
    case Treatment::kInterruptFlag:
      return EmitInterruptFlag(i);
    case Treatment::kSwapGs:
      return EmitSwapGs();
    case Treatment::kCallOut:
      return EmitCallOut(i);
    case Treatment::kExecute:
      return EmitExecute(i);
    case Treatment::kInterpret:
      return LeaveTo(thunks_.interpret, unit_inst.offset);
  }
}

}  // namespace tandem::jit
