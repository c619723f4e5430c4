#pragma once

#include <memory>
#include <optional>

#include "cpu/exec/interpreter.h"
#include "jit/context/context.h"
#include "jit/engine/alias_windows.h"
#include "jit/engine/code_pages.h"
#include "jit/engine/onlooker.h"
#include "jit/engine/shared_code.h"

namespace tandem::jit {

// Runs one vCPU by translation, with the interpreter for what is not translated. All calls on the
// vCPU's thread but where said.
class Engine final : public CodeUser, private cpu::FlushObserver {
 public:
  // Bits of VcpuContext::attention that are the engine's own; the rest belong to the vCPU.
  static constexpr u32 kPauseAttention = 1u << 31;
  static constexpr u32 kForgetAttention = 1u << 30;
  static constexpr u32 kSampleAttention = 1u << 29;
  static constexpr u32 kOwnAttention = kPauseAttention | kForgetAttention | kSampleAttention;

  // All outlive the engine; the interpreter executes on context.state and context.tlb.
  // onlooker: null, or SharedCode::WatchEntries was called.
  Engine(VcpuContext& context, cpu::Interpreter& interpreter, SharedCode& shared,
         Onlooker* onlooker = nullptr);
  ~Engine() override;

  // Executes until attention asks for a return, or the processor halts or shuts down.
  void Run();
  // CpuState was changed from outside.
  void StateChanged();

  void AskToPause() noexcept override { context_.attention.fetch_or(kPauseAttention); }
  void AskToForget(std::span<const RetiredCode> retired) noexcept override;
  void ForgetWritablePage(const std::byte* page) override;
  void ForgetAllCode() override;

  // For the signal handler, now and then while the vCPU's thread runs: see hot_loops.cc.
  void AskForSample() noexcept { context_.attention.fetch_or(kSampleAttention); }

  static Handlers MakeHandlers();

  struct Counts {
    u64 interpreted = 0, unwatched = 0, call_outs = 0, executed = 0, polls = 0, links = 0, branch_misses = 0;
    u64 entries = 0;  // of blocks, from C++
    u64 searches = 0, verifies = 0, samples = 0, flushes = 0;
    u64 run_fills = 0, aliases = 0, ungrouped = 0, page_faults = 0, revised = 0;
    u64 crossing = 0, refused = 0, not_plain = 0;  // misses that were interpreted
    u64 x87_loads = 0, vector_loads = 0;
  };
  void LogCounts() const;  // -d jit

  // For the signal handler, on the vCPU's thread: what a host fault in translated code means.
  // False: it was no fault of the guest's.
  bool HandleHostFault(u64 fault_address, u64 host_flags, u64& rip, u64& rsp, u64& scratch0);

 private:
  // Handlers: each goes on at the code it returns.
  const u8* OnInterpret(SiteRecord site);
  const u8* OnCallOut(const CallOut& call_out, const u8* behind);
  const u8* OnExecute(const CallOut& call_out);
  const u8* OnPoll(SiteRecord site);
  const u8* OnVerify(SiteRecord site);
  const u8* OnLink(const LinkRecord& record);
  const u8* OnBranch(u64 rip, BranchSite site);
  const u8* OnMiss(u64 linear, MissRecord record);
  const u8* OnLoadX87(SiteRecord site);
  const u8* OnLoadVectors(SiteRecord site);
  const u8* OnEntered(const EntryRecord& record);
  friend struct EngineThunks;
  bool MayBranchTo(u64 rip) const;
  void FaultAtBranch(BranchSite site);

  // The code for where the guest is now; null: Run is to return.
  const u8* Next();
  // Next, with the state put back into the form that translated code wants.
  const u8* Resume();
  // What thunks leave in another form than CpuState has: flags, and R8 outside 64-bit mode.
  void TakeState();
  void PutState();
  u64 RipAt(i64 offset) const;
  // The guest stands at this instruction; its registers are in their own places again.
  void StandAt(SiteRecord site);
  void Step();
  void RaiseHere(const cpu::Fault& fault);
  void LogStep() const;
  bool MustLeave();
  bool PremisesHold() const;
  const u8* FindCode();

  // search.cc
  const u8* Search(bool ungrouped);
  void ExecuteElsewhere();
  void StepUnwatched(MappedWindow& window, u16 offset);
  u64 LinearRip() const;
  bool MayPassLimit() const;
  MappedWindow MakeWindow();
  bool FetchPage(u64 linear, GuestPage& page, cpu::Fault& fault);
  void NotePages(const Block& block, MappedWindow& window);
  void NotePage(i64 page, u32 id, const GuestPage& guest);
  void Remember(const Block& block);

  // entered.cc
  u64 LinearOf(i32 offset) const;
  void ShowEntry(i32 offset);
  void ShowStep();

  // check_entries.cc
  u64 HostOfCode(u64 linear);
  u64 WalkToCode(u64 linear) const;
  const char* DefectOf(const Block& block) const;
  const char* DefectOfContent(const Block& block);
  const char* DefectOfJump(const u8* code);
  const char* DefectOfEntry(const EntryRecord& record);
  template <typename Defect>
  void Verify(const void* code, u64 linear, Defect defect);
  void CheckJump(const u8* code);
  void CheckEntry(const EntryRecord& record);

  // hot_loops.cc
  void Sample();
  bool IsWorthRevising(MissRecord record) const;
  void Revise(const u8* code, MissRecord record);
  void AddTargetsAround(i32 offset, std::vector<i32>& targets) const;
  void Remake(bool as_region, Hints hints);

  // follow_flushes.cc
  void OnFlushAll() override;
  void OnFlushLocal() override;
  void OnFlushRegion(u64 start, u64 size) override;
  void OnDropWrites() override;

  // mode.cc
  void ChangePrivilege();
  void UpdateMode();
  struct KnownMode {
    u64 inputs = 0;  // ModeInputs; 0: they do not say all
    UnitMode mode;
    u64 key = 0;
  };
  UnitMode CurrentMode() const;
  u64 ModeInputs() const;
  const KnownMode& FindMode();

  // branch_salt.cc
  void UpdateSalt();
  void ForgetBranches();
  void ForgetRetired();

  // system.cc
  cpu::Flow Execute(const CallOut& call_out);

  // runs.cc
  MicroEntry& RunOf(MissRecord record) const {
    return context_.micro[mode_.bank][record.is_write][record.slot];
  }
  bool FillRun(u64 linear, MissRecord record);
  u64 HostPage(u64 page, bool is_write) const;
  bool IsLocal(u64 page) const;
  template <typename Belongs>
  void Extend(cpu::PlainRun& run, Belongs belongs) const;
  void JoinPages(cpu::PlainRun& run, bool is_write) const;
  void ServeAliasClaim();
  void ShowInOrder(u64 linear, cpu::PlainRun& run, bool is_write, MicroEntry& entry);
  bool IsInTlb(u64 linear, MissRecord record) const;
  void CountInterpreted(u64 linear, MissRecord record);
  bool IsRefused(u64 linear, MissRecord record);
  void NoteRefused(u64 linear, MissRecord record);
  bool FaultOfMiss(u64 linear, MissRecord record, cpu::Fault& fault);
  const u8* FindUngrouped();
  template <typename Predicate>
  void DropRuns(Predicate predicate);  // of entry, bank and whether it is for writes
  void ResetShadowStack() { context_.shadow_rsp = context_.shadow_base; }

  // fpu.cc
  void LoadX87();
  void UnloadX87();
  std::optional<cpu::FxImage> BorrowX87();
  void GiveX87Back(const std::optional<cpu::FxImage>& image);

  // x87_pointers.cc
  struct X87Place {
    u64 rip = 0;
    cpu::Inst inst;  // op kInvalid: it cannot be read any more
  };
  std::optional<X87Place> PlaceOf(const u8* code);
  std::optional<u64> LinearOfHost(u64 host) const;
  void MendX87Pointers(cpu::FxImage& image);

  VcpuContext& context_;
  cpu::CpuState& state_;
  cpu::Interpreter& interpreter_;
  cpu::Mmu& mmu_;
  SharedCode& shared_;
  Onlooker* const onlooker_;

  UnitMode mode_;
  bool mode_is_old_ = true;
  bool x87_loaded_ = false;
  bool last_is_user_ = false;
  u64 kept_r8_ = 0;
  u64 mode_key_ = 0;
  std::array<KnownMode, 4> known_modes_{};  // by user, vectors loaded

  struct SaltEntry {
    u64 mode = 0;
    u64 code_base = 0;  // of CS
    u64 validity = 0;
    u64 salt = 0;  // 0: empty

    bool Holds(u64 wanted_mode, u64 wanted_base, u64 wanted_validity) const {
      return mode == wanted_mode && code_base == wanted_base && validity == wanted_validity &&
             salt != 0;
    }
  };
  SaltEntry FindSalt(u64 code_base, u64 validity);
  std::array<std::array<SaltEntry, 2>, 128> salts_{};  // by hash, the newer one first
  std::array<SaltEntry, 2> last_salts_{};              // by user: found last
  u64 next_salt_ = 1;
  u64 salt_epoch_ = 0;  // counts when all that is cached must go
  bool has_local_supervisor_branches_ = false;
  bool has_odd_code_base_ = false;  // cached targets may lie elsewhere in their page than RIP says
  Mutex retired_mu_{LockRank::kLeaf};  // guards retired_
  std::vector<RetiredCode> retired_;
  std::array<BranchEntry, 256> ungrouped_{};  // as VcpuContext::branches
  // Pages that can be read but took no write run, for speed alone.
  struct Refused {
    u64 linear = kNoBase;
    u64 salt = 0;
    u32 uses = 0;
  };
  std::array<Refused, 16> refused_{};
  CodePages code_pages_;  // since the epoch began
  cpu::DecodeCache decoded_;

  struct CheckedPage {
    u64 linear = ~u64{0};
    u64 generation = 0;
    u64 host = 0;
  };
  std::array<CheckedPage, 256> checked_pages_{};  // by check_entries.cc alone, like the next
  u64 checked_entries_ = 0;

  bool is_sampled_ = false;
  std::array<u64, 64> hot_{};  // host addresses of loops that a sample hit once

  std::unique_ptr<AliasWindows> alias_;  // once there is need
  u64 alias_claim_ = kNoBase;            // a linear address that wants a window
  u32 early_claims_ = 0;                 // that asked for a sample themselves
  bool has_early_claim_ = false;         // that is not served yet

  class ShadowStack;
  std::unique_ptr<ShadowStack> user_stack_, kernel_stack_;
  // What the user's code is to find again when the kernel is done.
  struct UserLeft {
    u64 shadow_rsp = 0;
    u64 salt = 0;
    bool had_vectors = false;
    u32 returns = 0;
  };
  UserLeft user_left_;
  Counts counts_;
};

template <typename Predicate>
void Engine::DropRuns(Predicate predicate) {
  MicroEntry* const all = &context_.micro[0][0][0];
  u32 kept = 0;
  for (u32 i = 0; i < context_.micro_used_count; ++i) {
    const u32 index = context_.micro_used[i];
    MicroEntry& entry = all[index];
    if (predicate(entry, index / (2 * kMicroSlots), index / kMicroSlots % 2 != 0)) {
      entry.base = kNoBase;
      entry.misses /= 2;  // what counts is how many there are between flushes
    } else {
      context_.micro_used[kept++] = index;
    }
  }
  context_.micro_used_count = kept;
}

}  // namespace tandem::jit
