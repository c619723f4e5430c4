#include "jit/engine/shared_code.h"

#include <algorithm>
#include <thread>

#include "base/bits.h"
#include "base/check.h"
#include "base/log.h"
#include "devices/bus/address.h"
#include "jit/engine/check_entries.h"
#include "jit/engine/content_hash.h"
#include "jit/unit/region.h"

namespace tandem::jit {
namespace {

constexpr size_t kSpaceSize = 128 << 20;

}  // namespace

SharedCode::SharedCode(const cpu::CpuModel& model, const Handlers& handlers)
    : model_(model),
      space_(kSpaceSize),
      thunks_(EmitThunks(space_.writable(), space_.executable(), space_.size(), handlers,
                         model.Has(cpu::Feature::kAvx512f))),
      cache_(space_, thunks_.size),
      emitter_(space_.writable(), space_.size(), space_.executable(), thunks_),
      watches_entries_(kChecksEntries || LogEnabled(LogItem::kExec)),
      counts_in_code_(LogEnabled(LogItem::kJit)) {}

void SharedCode::Enter(CodeUser& user) {
  for (;;) {
    user.in_code.store(true, std::memory_order_seq_cst);
    if (!pause_wanted_.load(std::memory_order_seq_cst)) {
      return;
    }
    user.in_code.store(false, std::memory_order_seq_cst);
    UniqueLock lock(pause_mu_);
    resumed_.wait(lock, [this] { return !pause_wanted_.load(); });
  }
}

// False: somebody else does so; the caller must get out of the way.
bool SharedCode::PauseOthers(CodeUser& user) {
  bool expected = false;
  if (!pause_wanted_.compare_exchange_strong(expected, true, std::memory_order_seq_cst)) {
    user.AskToPause();
    return false;
  }
  ++counts_.pauses;
  for (CodeUser* other : users_) {
    if (other != &user) {
      other->AskToPause();
    }
  }
  for (CodeUser* other : users_) {
    while (other != &user && other->in_code.load(std::memory_order_seq_cst)) {
      std::this_thread::yield();
    }
  }
  return true;
}

void SharedCode::ResumeOthers() {
  {
    MutexLock lock(pause_mu_);
    pause_wanted_.store(false, std::memory_order_seq_cst);
  }
  resumed_.notify_all();
}

// The page is to hold code: writes to it must be seen from now on.
bool SharedCode::Claim(CodeUser& user, const GuestPage& page) {
  if (page.ram->HasCode(page.offset)) {
    return true;
  }
  if (!PauseOthers(user)) {
    return false;
  }
  page.ram->SetCodeObserver(this);
  page.ram->SetCodeGranules(page.offset, ~u64{0});
  for (CodeUser* each : users_) {
    each->ForgetWritablePage(page.host());
  }
  ResumeOthers();
  return true;
}

bool SharedCode::ClaimAll(CodeUser& user, MappedWindow& window, std::span<const i64> others) {
  return Claim(user, *window.GuestAt(0)) &&
         std::ranges::all_of(others, [&](i64 page) { return Claim(user, *window.GuestAt(page)); });
}

bool SharedCode::AreClaimed(MappedWindow& window, std::span<const i64> others) {
  const auto is_claimed = [&](i64 page) {
    const GuestPage& guest = *window.GuestAt(page);
    return guest.ram->HasCode(guest.offset);
  };
  return is_claimed(0) && std::ranges::all_of(others, is_claimed);
}

bool SharedCode::MakeRoom(CodeUser& user) {
  const bool drops_all = numbers_.IsNearlyUsedUp();
  {
    MutexLock lock(cache_.mutex());
    if (cache_.room() >= Emitter::kMaxBlockSize && !drops_all) {
      return true;
    }
  }
  if (!PauseOthers(user)) {
    return false;
  }
  {
    MutexLock lock(cache_.mutex());
    for (size_t i = 0; i < (drops_all ? CodeCache::kChunks : 1); ++i) {
      cache_.RecycleNextChunk();  // pages that have lost code stay watched: a write tells
      if (gdb_jit_) {
        gdb_jit_->Forget(space_.ToExecutable(cache_.cursor()), cache_.room());
      }
      ++counts_.recycled_chunks;
    }
  }
  if (drops_all) {
    numbers_.Clear();
  }
  for (CodeUser* each : users_) {
    each->ForgetAllCode();
  }
  ResumeOthers();
  return true;
}

// With the cache locked; the users are to be told afterwards, as a block that nobody looks after any
// more may be in their tables, or be running.
void SharedCode::Retire(Block& block, std::vector<RetiredCode>& retired) {
  cache_.Retire(block);
  ++counts_.retired;
  retired.push_back({reinterpret_cast<u64>(EntryOf(block)),
                     static_cast<u16>(block.key.address % kPageSize)});
}

void SharedCode::TellOf(std::span<const RetiredCode> retired) {
  if (retired.empty()) {
    return;
  }
  for (CodeUser* user : users_) {
    user->AskToForget(retired);
  }
}

bool SharedCode::IsRewritten(const GuestPage& page) {
  if (eagerness_ != Eagerness::kNone) {
    return false;
  }
  MutexLock lock(cache_.mutex());
  return rewritten_.IsHot(reinterpret_cast<u64>(page.host()));
}

void SharedCode::NoteStep(const GuestPage& page, const UnitInst& inst) {
  MutexLock lock(cache_.mutex());
  rewritten_.NoteStep(reinterpret_cast<u64>(page.host()), OffsetInPage(inst.offset),
                      std::span(inst.inst.bytes).first(inst.inst.length));
}

bool SharedCode::IsMapped(const Block& block, MappedWindow& window) const {
  return std::ranges::all_of(block.other_pages(), [&](const OtherPage& page) {
    const CodeWindow::Page* const now = window.At(page.page);
    return now != nullptr && now->host() == page.host;
  });
}

const Block* SharedCode::Find(CodeUser& user, const UnitMode& mode, MappedWindow& window,
                              u16 offset) {
  const BlockKey key{window.At(0)->host() + offset, mode.Key()};
  Block* block = nullptr;
  {
    MutexLock lock(cache_.mutex());
    block = cache_.Find(key);
  }
  if (block != nullptr && IsMapped(*block, window)) {
    return block;
  }
  if (block == nullptr && IsRewritten(*window.GuestAt(0))) {
    return nullptr;
  }
  if (block != nullptr) {
    RetireAlone(*block);
  }
  if (const Block* const revived = Revive(user, key, window)) {
    return revived;
  }
  return Make(user, key, window, [&] { return Read(mode, window, offset); });
}

Unit SharedCode::Read(const UnitMode& mode, MappedWindow& window, u16 offset) const {
  if (eagerness_ <= Eagerness::kBlocks) [[likely]] {
    return ReadUnit(mode, model_, window, offset, max_unit_insts_);
  }
  Hints hints;
  for (const UnitInst& inst :
       ReadRegion(mode, model_, window, offset, RegionKind::kEverything).insts) {
    if (inst.is_leader) {
      hints.targets.push_back(inst.offset);
    }
    if (eagerness_ == Eagerness::kRegionsWithTlb) {
      hints.wandering.push_back({inst.offset, false});
      hints.wandering.push_back({inst.offset, true});
    }
  }
  return ReadRegion(mode, model_, window, offset, RegionKind::kEverything, hints);
}

void SharedCode::RetireAlone(Block& block) {
  std::vector<RetiredCode> retired;
  {
    MutexLock lock(cache_.mutex());
    Retire(block, retired);
  }
  TellOf(retired);
}

const Block* SharedCode::RegionAt(const BlockKey& key) {
  MutexLock lock(cache_.mutex());
  const Block* const block = cache_.Find(key);
  return block != nullptr && block->is_region ? block : nullptr;
}

const Block* SharedCode::BlockAt(const u8* code) {
  MutexLock lock(cache_.mutex());
  return cache_.FindByCode(code);
}

const Block* SharedCode::Remake(CodeUser& user, const UnitMode& mode, MappedWindow& window,
                                u16 offset, bool as_region, Hints hints) {
  const BlockKey key{window.At(0)->host() + offset, mode.Key()};
  return Make(user, key, window, [&] {
    if (as_region) {
      return ReadRegion(mode, model_, window, offset, RegionKind::kLoop, hints);
    }
    Unit unit = ReadUnit(mode, model_, window, offset, max_unit_insts_);
    unit.hints = hints;
    return unit;
  });
}

// Between a claim and the translation others may take the room, or write to a page, which gives up
// the claim: then once more.
const Block* SharedCode::Make(CodeUser& user, const BlockKey& key, MappedWindow& window,
                              const Reader& read) {
  for (;;) {
    window.Unseal();
    Unit unit = read();
    if (unit.insts.empty() || !Prepare(user, unit, window)) {
      return nullptr;
    }
    window.Seal();
    std::vector<RetiredCode> retired;
    const Block* const block = MakePrepared(unit, key, window, retired);
    TellOf(retired);
    if (block != nullptr) {
      return block;
    }
  }
}

// Null: somebody got in between.
const Block* SharedCode::MakePrepared(Unit& unit, const BlockKey& key, MappedWindow& window,
                                      std::vector<RetiredCode>& retired) {
  MutexLock lock(cache_.mutex());
  if (!IsPrepared(unit, window)) {
    return nullptr;
  }
  if (Block* const other = cache_.Find(key)) {
    const bool is_better = unit.is_region != other->is_region
                               ? unit.is_region
                               : unit.hints.sites() > other->hints().sites();
    if (!is_better) {
      return other;  // somebody else was faster
    }
    Retire(*other, retired);
  }
  return Translate(unit, key, window, retired);
}

void SharedCode::Link(Block& from, u32 site, u64 mode) {
  MutexLock lock(cache_.mutex());
  Block* const target = cache_.Find({from.exits[site].target, mode});
  if (target != nullptr) {
    cache_.Link(from, site, *target);
    ++counts_.links;
  }
}

void SharedCode::OnCodeWritten(devices::RamBlock& ram, u64 offset, u64 length) {
  std::vector<RetiredCode> retired;
  {
    MutexLock lock(cache_.mutex());
    const u64 address = reinterpret_cast<u64>(ram.data()) + offset;
    for (Block* block : cache_.Overlapping(address, length)) {
      if (ContentNow(*block) != block->content) {
        Retire(*block, retired);
      }
    }
    const u64 page = AlignDown(address, kPageSize);
    if (!retired.empty()) {
      rewritten_.NoteRetired(page);
    }
    cache_.ShrinkGranules(page);
    ram.SetCodeGranules(AlignDown(offset, kPageSize), cache_.Granules(page));
  }
  TellOf(retired);
}

}  // namespace tandem::jit
