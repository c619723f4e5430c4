#include "jit/x64/emitter.h"

namespace tandem::jit {

std::unique_ptr<Block> Emitter::Emit(const EmitRequest& request, u8* at) {
  auto block = std::make_unique<Block>();
  request_ = &request;
  unit_ = &request.unit;
  block_ = block.get();
  block_->code = at;
  reset();
  MoveTo(at);
  cold_.clear();
  EmitAll();
  block_->code_size = Position();
  return block;
}

void Emitter::EmitAll() {
  const UnitInst& last = unit_->insts.back();
  const bool falls_through = !EndsUnit(last.treatment);
  const u32 live_at_end =
      falls_through && IsInPage(unit_->end()) ? request_->flags_needed_at(unit_->end())
      : last.treatment == Treatment::kJump && IsInPage(TargetOf(last))
          ? request_->flags_needed_at(static_cast<u16>(TargetOf(last)))
          : static_cast<u32>(cpu::kArithFlags);
  live_ = LiveFlags(*unit_, live_at_end);
  accesses_ = PlanAccesses(*unit_);
  EmitEntries();
  for (size_t i = 0; i < unit_->insts.size(); ++i) {
    NotePoint(unit_->insts[i].offset, false);
    EmitInst(i);
  }
  if (falls_through) {
    GoTo(unit_->end(), live_at_end);
  }
  EmitCold();
}

void Emitter::EmitEntries() {
  flags_ = FlagHome::kHost;
  block_->entry_in_memory = Position();
  if (LiveBefore(0) != 0) {
    RestoreFlags(kScratch0);
  }
  block_->entry_in_host = Position();
}

void Emitter::EmitCold() {
  for (size_t i = 0; i < cold_.size(); ++i) {
    const std::function<void()> emit = std::move(cold_[i]);  // it may add more
    emit();
  }
}

void Emitter::NotePoint(u16 page_offset, bool flags_in_host) {
  block_->points.push_back({Position(), page_offset, flags_in_host});
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
  from_ = unit_inst.next();
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
      return GoTo(TargetOf(unit_inst), live_[i]);
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
