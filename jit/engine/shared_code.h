#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cpu/state/cpu_model.h"
#include "devices/bus/ram_block.h"
#include "jit/code/code_cache.h"
#include "jit/engine/footprint.h"
#include "jit/engine/gdb_jit.h"
#include "jit/engine/mapped_window.h"
#include "jit/engine/perf_map.h"
#include "jit/engine/rewritten_pages.h"
#include "jit/unit/unit.h"
#include "jit/x64/emitter.h"

namespace tandem::jit {

// A way into a block that has been retired.
struct RetiredCode {
  u64 code = 0;         // executable address
  u16 page_offset = 0;  // of the guest code
};

// A vCPU as the others see it.
class CodeUser {
 public:
  virtual ~CodeUser() = default;
  // Any thread: leaves translated code soon.
  virtual void AskToPause() noexcept = 0;
  // Any thread: code that jumps no longer may lead to is dropped from what is cached before the next
  // serialising event.
  virtual void AskToForget(std::span<const RetiredCode> retired) noexcept = 0;
  // While it is out of translated code and stays there: no cached translation may write to this
  // host page any more.
  virtual void ForgetWritablePage(const std::byte* page) = 0;
  // Likewise: code it could return to is gone.
  virtual void ForgetAllCode() = 0;

  std::atomic<bool> in_code{false};
};

// The translated code of one machine, shared by its vCPUs. Any vCPU's thread, unless said otherwise.
class SharedCode final : public devices::CodeObserver {
 public:
  // The model outlives this; all vCPUs have the same.
  SharedCode(const cpu::CpuModel& model, const Handlers& handlers);

  const Thunks& thunks() const { return thunks_; }
  CodeCache& cache() { return cache_; }
  const CodeSpace& space() const { return space_; }

  // For tests: all code is translated, however often it is rewritten; to blocks, or at once to regions
  // whose accesses ask the TLB or not.
  enum class Eagerness : u8 { kNone, kBlocks, kRegions, kRegionsWithTlb };
  void SetEagerness(Eagerness eagerness) { eagerness_ = eagerness; }

  // From now on arithmetic flags are right at each fault and interrupt, even those that the code
  // behind overwrites before any use. While the machine is built.
  void KeepFlagsPrecise() { has_precise_flags_ = true; }
  bool has_precise_flags() const { return has_precise_flags_; }

  // Blocks tell of each entry from now on: Onlooker. While the machine is built.
  void WatchEntries() { watches_entries_ = true; }
  // Straight units have at most so many instructions from now on. While the machine is built.
  void LimitUnits(size_t max_insts) { max_unit_insts_ = max_insts; }

  // Names all code for perf from now on. While the machine is built.
  void OpenPerfMap() { perf_map_.emplace(thunks_, space_); }
  // Likewise for GDB.
  void OpenGdbJit() { gdb_jit_.emplace(thunks_, space_); }

  // While the machine is built or torn down.
  void Add(CodeUser& user) { users_.push_back(&user); }
  void Remove(CodeUser& user) { std::erase(users_, &user); }

  // Around running translated code; Enter waits while somebody changes what running code relies on.
  void Enter(CodeUser& user);
  void Leave(CodeUser& user) { user.in_code.store(false, std::memory_order_release); }

  PageNumbers& page_numbers() { return numbers_; }

  // The block for the code at an offset of the window's first page, translated if need be. user: the
  // caller, in translated code. Null: there is none yet, as the code cannot be had or somebody wants
  // the caller to pause. A block stays in memory while the caller is in translated code.
  const Block* Find(CodeUser& user, const UnitMode& mode, MappedWindow& window, u16 offset);
  // An instruction was executed where Find has none, as the code changes too often.
  void NoteStep(const GuestPage& page, const UnitInst& inst);
  // The region that stands for this key; null: there is none.
  const Block* RegionAt(const BlockKey& key);
  // The block with this executable address; null: there is none.
  const Block* BlockAt(const u8* code);
  // Makes a block anew with hints, or a region of the loop there. Null: also where there is no loop.
  const Block* Remake(CodeUser& user, const UnitMode& mode, MappedWindow& window, u16 offset,
                      bool as_region, Hints hints);

  // The executable address at which a block is entered.
  const u8* EntryOf(const Block& block) const {
    return space_.ToExecutable(block.code + block.entry_in_memory);
  }

  // Lets the jump lead straight to its target in this mode, if that is translated.
  void Link(Block& from, u32 site, u64 mode);

  void OnCodeWritten(devices::RamBlock& ram, u64 offset, u64 length) override;

  struct Counts {
    std::atomic<u64> blocks{0}, regions{0}, guest_bytes{0}, host_bytes{0}, insts{0}, translation_ns{0};
    std::atomic<u64> retired{0}, revived{0}, links{0}, recycled_chunks{0}, pauses{0};
  };
  const Counts& counts() const { return counts_; }

 private:
  using Reader = std::function<Unit()>;

  Unit Read(const UnitMode& mode, MappedWindow& window, u16 offset) const;
  const Block* Make(CodeUser& user, const BlockKey& key, MappedWindow& window, const Reader& read);
  const Block* MakePrepared(Unit& unit, const BlockKey& key, MappedWindow& window,
                            std::vector<RetiredCode>& retired);
  void Retire(Block& block, std::vector<RetiredCode>& retired);
  void RetireAlone(Block& block);
  void TellOf(std::span<const RetiredCode> retired);
  bool IsRewritten(const GuestPage& page);
  bool IsMapped(const Block& block, MappedWindow& window) const;

  // revive.cc
  const Block* Revive(CodeUser& user, const BlockKey& key, MappedWindow& window);
  Block* FindRevivable(const BlockKey& key, MappedWindow& window);
  bool ReviveClaimed(Block& block, MappedWindow& window, std::vector<RetiredCode>& retired);

  // translate.cc
  bool Prepare(CodeUser& user, const Unit& unit, MappedWindow& window);
  bool IsPrepared(const Unit& unit, MappedWindow& window);
  Block* Translate(Unit& unit, const BlockKey& key, MappedWindow& window,
                   std::vector<RetiredCode>& retired);
  std::unique_ptr<Block> EmitBlock(Unit& unit, const BlockKey& key, MappedWindow& window);
  void Publish(const Unit& unit, std::unique_ptr<Block> block, MappedWindow& window);
  u32 FlagsNeededAt(const Unit& from, MappedWindow& window, i64 offset);
  bool Claim(CodeUser& user, const GuestPage& page);
  // The window's first page, and those that many after it.
  bool ClaimAll(CodeUser& user, MappedWindow& window, std::span<const i64> others);
  static bool AreClaimed(MappedWindow& window, std::span<const i64> others);
  bool MakeRoom(CodeUser& user);
  bool PauseOthers(CodeUser& user);
  void ResumeOthers();
  void UpdateGranules(const Block& block, MappedWindow& window);
  void LogBlock(const Unit& unit, const Block& block, const MappedWindow& window) const;

  const cpu::CpuModel& model_;
  CodeSpace space_;
  Thunks thunks_;
  CodeCache cache_;
  RewrittenPages rewritten_;  // guarded by cache_.mutex()
  Emitter emitter_;
  Footprint footprint_;       // of the block that is being made; likewise
  PageNumbers numbers_;
  u32 next_region_slot_ = 0;  // which cached runs the next region gets
  std::vector<CodeUser*> users_;
  Counts counts_;
  std::optional<PerfMap> perf_map_;
  std::optional<GdbJit> gdb_jit_;  // guarded by cache_.mutex()
  Eagerness eagerness_ = Eagerness::kNone;
  bool has_precise_flags_ = false;
  bool watches_entries_;
  size_t max_unit_insts_ = kMaxUnitInsts;
  const bool counts_in_code_;

  std::atomic<bool> pause_wanted_{false};
  Mutex pause_mu_{LockRank::kLeaf};  // pause_wanted_ goes false under it
  CondVar resumed_;
};

}  // namespace tandem::jit
