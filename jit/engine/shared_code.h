#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "cpu/state/cpu_model.h"
#include "devices/bus/ram_block.h"
#include "jit/code/code_cache.h"
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

// Where a guest page lies.
struct GuestPage {
  devices::RamBlock* ram = nullptr;
  u64 offset = 0;  // of the page in ram
  const std::byte* host() const { return ram->data() + offset; }
};

// The translated code of one machine, shared by its vCPUs. Any vCPU's thread, unless said otherwise.
class SharedCode final : public devices::CodeObserver {
 public:
  // The model outlives this; all vCPUs have the same.
  SharedCode(const cpu::CpuModel& model, const Handlers& handlers);

  const Thunks& thunks() const { return thunks_; }
  CodeCache& cache() { return cache_; }
  const CodeSpace& space() const { return space_; }

  // Names all code for perf from now on. While the machine is built.
  void OpenPerfMap() { perf_map_.emplace(thunks_, space_); }

  // While the machine is built or torn down.
  void Add(CodeUser& user) { users_.push_back(&user); }
  void Remove(CodeUser& user) { std::erase(users_, &user); }

  // Around running translated code; Enter waits while somebody changes what running code relies on.
  void Enter(CodeUser& user);
  void Leave(CodeUser& user) { user.in_code.store(false, std::memory_order_release); }

  // The code for the bytes at page.host() + page_offset, translated if need be. next: the page that
  // follows in linear memory, asked for only if the first instruction crosses into it; its answer is
  // null where that faults. user: the caller, in translated code. Returns the executable address;
  // null: there is none yet, as the next page cannot be had or somebody wants the caller to pause.
  const u8* Find(CodeUser& user, const UnitMode& mode, const GuestPage& page, u16 page_offset,
             const std::function<const GuestPage*()>& next);

  // Lets the jump lead straight to the block with this key, if there is one.
  void Link(Block& from, u32 site, const BlockKey& to);

  void OnCodeWritten(devices::RamBlock& ram, u64 offset, u64 length) override;

  struct Counts {
    std::atomic<u64> blocks{0}, guest_bytes{0}, host_bytes{0}, insts{0}, translation_ns{0};
    std::atomic<u64> retired{0}, links{0}, recycled_chunks{0}, pauses{0};
  };
  const Counts& counts() const { return counts_; }

 private:
  const u8* Make(CodeUser& user, const BlockKey& key, const UnitMode& mode, const GuestPage& page,
             const std::function<const GuestPage*()>& next);
  // second: the page that follows; null where it is not needed or cannot be had.
  Block* Translate(const UnitMode& mode, const GuestPage& page, u16 page_offset,
                   const GuestPage* second);
  const u8* EntryOf(const Block& block) const {
    return space_.ToExecutable(block.code + block.entry_in_memory);
  }
  bool Claim(CodeUser& user, const GuestPage& page);
  bool MakeRoom(CodeUser& user);
  bool PauseOthers(CodeUser& user);
  void ResumeOthers();
  bool IsRewritten(const GuestPage& page);
  void UpdateGranules(const GuestPage& page);
  void LogBlock(const Unit& unit, const Block& block) const;

  const cpu::CpuModel& model_;
  CodeSpace space_;
  Thunks thunks_;
  CodeCache cache_;
  RewrittenPages rewritten_;  // guarded by cache_.mutex()
  Emitter emitter_;
  std::vector<CodeUser*> users_;
  Counts counts_;
  std::optional<PerfMap> perf_map_;

  std::atomic<bool> pause_wanted_{false};
  Mutex pause_mu_{LockRank::kLeaf};  // pause_wanted_ goes false under it
  CondVar resumed_;
};

}  // namespace tandem::jit
