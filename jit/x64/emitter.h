#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "jit/analysis/access_plan.h"
#include "jit/analysis/fast_loop.h"
#include "jit/analysis/flags.h"
#include "jit/analysis/polls.h"
#include "jit/code/block.h"
#include "jit/unit/unit.h"
#include "jit/x64/assembler.h"
#include "jit/x64/kept_call.h"
#include "jit/x64/reencode.h"
#include "jit/x64/thunks.h"

namespace tandem::jit {

// What the emitter is told besides the unit.
struct EmitRequest {
  Unit& unit;  // its homes are chosen
  CodeWindow& window;
  // What C++ is to know of an instruction that it executes for the code.
  std::function<std::shared_ptr<const CallOut>(const UnitInst&)> make_call_out;
  u32 slot_seed = 0;  // which part of the cached runs the block uses
  // Arithmetic flags that may be needed by the code at an offset.
  std::function<u32(i64)> flags_needed_at;
  bool is_watched = false;  // C++ is told whenever control comes to a leader
  bool is_counted = false;  // VcpuContext::check_counts and the like are kept
};

// The translator's back end: one unit becomes host code in place, in one pass. One family of
// instructions a file.
class Emitter : private Assembler {
 public:
  // [start, start + size) is the writable mapping of the code space, executable the other; thunks lie
  // in the first.
  Emitter(u8* start, size_t size, const u8* executable, const Thunks& thunks)
      : Assembler(start, size), executable_(executable), thunks_(thunks) {}

  // Room that a block's code may need at most.
  static constexpr size_t kMaxBlockSize = 256 << 10;

  // Writes the code at `at` and returns its block (without key and bytes).
  std::unique_ptr<Block> Emit(const EmitRequest& request, u8* at);
  // What was known of the unit that was emitted last.
  const std::vector<FlagLiveness>& live() const { return live_; }
  const std::vector<InstAccesses>& accesses() const { return accesses_; }

 private:
  // Where the guest's arithmetic flags are.
  enum class FlagHome : u8 { kHost, kMemory };

  // What is known of the guest's state where code is being emitted.
  struct Form {
    FlagHome flags = FlagHome::kHost;
    Homes homes;
    size_t kept = 0;  // which field of the context, an addend, kScratch1 has as well; 0: none
  };

  // Where a call comes back to: an index into landings_. Of jumps, none.
  using Landing = std::optional<u32>;

  // Guest registers that live in memory, and host registers that have their values for one instruction.
  struct Guests {
    std::array<u8, 4> guest{};
    std::array<u8, 4> host{};
    size_t count = 0;
    u8 borrowed = cpu::kNoRegister;  // the host register among them whose own value was put aside
  };

  // A jump to a leader of the unit.
  struct InsideJump {
    size_t rel32 = 0;
    size_t leader = 0;  // index of the instruction
  };

  // emitter.cc
  void EmitAll();
  void EmitEntries();
  void EmitLeader(size_t i);
  void TellOfEntry(size_t i);
  void EmitInst(size_t i);
  void EmitCold();
  void LandInside();
  // Code for what is rare stands behind the rest.
  template <typename Emit>
  void Later(const Emit& emit) {
    cold_.emplace_back(emit);
  }
  void JumpToLeader(size_t rel32, size_t leader) { inside_jumps_.push_back({rel32, leader}); }
  // kScratch1, for something else than an addend.
  const Xbyak::Reg64& Scratch1() {
    form_.kept = 0;
    return kScratch1;
  }
  void NotePoint(i32 offset, bool flags_in_host);
  void Count(size_t counter);
  void CountEntry();
  u32 Position() const { return static_cast<u32>(getCurr() - block_->code); }
  bool Is64() const { return unit_->mode.code_bits == 64; }
  Xbyak::Reg Sized(const Xbyak::Reg64& reg, unsigned bytes) const;
  // 64 or 32 bits, as addresses have.
  Xbyak::Reg Word(const Xbyak::Reg64& reg) const { return Sized(reg, Is64() ? 8 : 4); }

  // emit_flags.cc
  // EFLAGS will be overwritten.
  void FreeHostFlags(u32 live, const Xbyak::Reg64& scratch = kScratch0);
  void NeedHostFlags() {
    if (form_.flags == FlagHome::kMemory) {
      NeedHostFlags(Scratch1());
    }
  }
  void NeedHostFlags(const Xbyak::Reg64& scratch);
  // For leaving the block in an unknown direction.
  void ToMemoryForm(const Xbyak::Reg64& scratch = kScratch0);

  // emit_homes.cc
  bool InMemory(u8 guest) const {
    return Is64() && guest < 16 && form_.homes.InMemory(guest);
  }
  Xbyak::Reg64 HostOf(u8 guest) const { return Xbyak::Reg64(HostRegister(form_.homes.Of(guest))); }
  void LoadGuest(const Xbyak::Reg64& to, u8 guest);
  void StoreGuest(u8 guest, const Xbyak::Reg64& from);
  Xbyak::Reg64 GuestOr(u8 guest, const Xbyak::Reg64& scratch);
  void TakeHomes();   // on entry: registers go to the unit's homes
  void LeaveHomes();  // and back to their own places
  void MovePlaces();

  // emit_memory.cc
  HostMem Address(size_t i, const AccessPlan& plan);
  bool KeepsAddend(size_t i, const AccessPlan& plan) const;
  void BringAddend(size_t offset);
  void BringKept(size_t leader);
  HostMem AnyAddress(size_t i, const AccessPlan& plan);
  HostMem AddressWith(const Xbyak::Reg64& addend, const AccessPlan& plan,
                      const cpu::MemoryOperand& mem);
  MissRecord MissOf(size_t i, const AccessPlan& plan) const;
  void Check(size_t i, const AccessPlan& plan);
  void EmitMiss(size_t i, const AccessPlan& plan, size_t again, size_t done);
  void EmitCheckToEnd(const AccessPlan& plan);
  void CompareWithRun(const AccessPlan& plan);
  void CompareWithTlb(const AccessPlan& plan);
  void TakeTlbAddend(const AccessPlan& plan);
  void EmitLinear(size_t i, const AccessPlan& plan);
  void EmitLinearOf(const UnitInst& unit_inst);
  void EmitOffset(const UnitInst& unit_inst, const Xbyak::Reg64& to);
  void EmitSum(const cpu::MemoryOperand& mem, const Xbyak::Reg64& to);
  void EmitSegment(const UnitInst& unit_inst, bool checks_limit);
  void EmitLimitCheck(const UnitInst& unit_inst);
  size_t MicroOffset(const AccessPlan& plan) const;
  size_t AddendOffset(const AccessPlan& plan) const;
  size_t TlbOffset() const;
  size_t CounterOf(const AccessPlan& plan, bool is_miss) const;
  u16 SlotOf(const AccessPlan& plan) const;
  Xbyak::Address Mem(const HostMem& mem, unsigned bytes) const;

  // emit_fast_loop.cc
  const FastLoop* FastLoopTo(size_t head) const;
  size_t BorrowedBy(const FastLoop& loop) const;
  void Borrow(const FastLoop& loop, size_t first, size_t last);
  void GiveBack(const FastLoop& loop, size_t count);
  void EmitFastLoop(const FastLoop& loop);
  void EmitRound(const FastLoop& loop);
  void LeaveFastIf(u8 condition, i64 offset);
  void CheckStream(const Stream& stream, const Xbyak::Reg64& count);
  void FindInRun(const Stream& stream);
  void FindInTlb(const Stream& stream);
  void RefuseIf(u8 condition) { refusals_.push_back(JumpIf(condition)); }
  void EmitStreamStart(const Stream& stream);
  size_t StreamAddend(const Stream& stream) const;
  HostMem FastAddress(size_t i, const AccessPlan& plan);

  // emit_copy.cc
  void EmitCopy(size_t i);
  void EmitLea(size_t i);
  void EmitEncoded(const cpu::Inst& inst, const HostMem* mem);
  void EmitHighByteWithMemory(const cpu::Inst& inst, const HostMem& mem);
  void PutReencoded(const cpu::Inst& inst, const GprFields& fields, const Reencoding& request);
  Reencoding WithHomes(const HostMem* mem) const;
  Guests BringGuests(const cpu::Inst& inst, const GprFields& fields, const HostMem* mem,
                     Reencoding& request);
  void ReturnGuests(const cpu::Inst& inst, const Guests& guests);
  u8 FreeScratch(u32 taken);
  u8 Borrow(const cpu::Inst& inst, const HostMem* mem) const;
  bool WouldOverwrite(const cpu::MemoryOperand& mem, u8 guest) const;

  // emit_stack.cc
  void EmitPush(size_t i);
  void EmitPop(size_t i);
  void EmitLeave(size_t i);
  void MoveStackPointer(i32 by);

  // emit_system.cc
  const CallOut* MakeCallOut(size_t i);
  void EmitCallOut(size_t i);
  void EmitExecute(size_t i);
  void ExecuteInCpp(const CallOut* call_out);
  void EmitInterruptFlag(size_t i);
  void EmitSwapGs();
  void EmitPushFlags(size_t i);

  // emit_branch.cc
  void EmitConditional(size_t i);
  void EmitLoop(size_t i);
  void EmitCall(size_t i);
  void EmitCallIndirect(size_t i);
  void EmitReturn(size_t i);
  void EmitDirection(size_t i);
  u32 NewLanding();
  void EmitLanding(size_t i, u32 landing);
  void EmitReentry(size_t i);
  void LoadTarget(size_t i);
  void PushReturn(size_t i);
  void LoadRip(const Xbyak::Reg64& to, i64 offset);
  void LookUpBranch(Landing landing, BranchSite site);

  // emit_jump_indirect.cc
  void EmitJumpIndirect(size_t i);
  void FindJumpTargets();
  BranchSite SiteOf(size_t i) const;
  void SearchTarget(BranchSite site);
  void EmitJumpInside(size_t i);
  size_t TableEntry(size_t leader);
  void EmitJumpTable();
  void EmitTableMiss();
  i32 FirstTarget() const { return unit_->insts[jump_targets_.front()].offset; }
  i32 TargetSpan() const { return unit_->insts[jump_targets_.back()].offset - FirstTarget(); }

  // emit_jump.cc
  void GoTo(i64 offset);
  void GoToIfCondition(u8 condition, i64 offset);
  void JumpInside(const UnitInst& target);
  void LeaveFor(i64 offset, Landing landing);
  void EnterPage(i64 offset, u32 id, Landing landing);
  size_t CheckPage(u32 id);
  void LeaveBy(const u8* thunk, Landing landing);
  void LinkedJump(u8 opcode, u8 condition, i64 offset);
  void EmitStub(u32 site, bool flags_in_host, i64 page);
  void LeaveTo(const u8* thunk, i32 offset);
  void SetSite(i64 offset);
  bool NeedsPoll(size_t to) const;
  void Poll(i64 offset);
  bool IsBackward(i64 offset) const { return offset < from_; }
  u32 LiveAt(i64 offset);

  const u8* const executable_;
  const Thunks& thunks_;
  const EmitRequest* request_ = nullptr;
  const Unit* unit_ = nullptr;
  Block* block_ = nullptr;
  std::vector<FlagLiveness> live_;
  std::vector<InstAccesses> accesses_;
  Polls polls_;
  std::vector<FastLoop> fast_loops_;
  const FastLoop* fast_ = nullptr;  // whose copy without checks is being emitted
  std::vector<size_t> refusals_;    // jumps that are taken where its attempt fails
  std::vector<i64> other_pages_;
  std::vector<size_t> leaders_;  // positions of their code, by index of the instruction
  std::vector<InsideJump> inside_jumps_;
  std::vector<size_t> landings_;  // positions
  std::vector<size_t> jump_targets_;  // leaders that indirect jumps find in a table, ascending
  std::vector<size_t> table_uses_;    // rel32 of each, to the table
  std::vector<KeptCall> cold_;
  Form form_;
  i64 from_ = 0;  // end of the instruction being translated: jumps to before it go backward
};

}  // namespace tandem::jit
