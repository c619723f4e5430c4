#include "jit/engine/shared_code.h"

#include <algorithm>
#include <thread>

#include "base/bits.h"
#include "base/check.h"
#include "devices/bus/address.h"
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
      emitter_(space_.writable(), space_.size(), thunks_) {}

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

bool SharedCode::MakeRoom(CodeUser& user) {
  {
    MutexLock lock(cache_.mutex());
    if (cache_.room() >= Emitter::kMaxBlockSize && !numbers_.IsNearlyUsedUp()) {
      return true;
    }
  }
  if (!PauseOthers(user)) {
    return false;
  }
  {
    MutexLock lock(cache_.mutex());
    const size_t chunks = numbers_.IsNearlyUsedUp() ? CodeCache::kChunks : 1;
    for (size_t i = 0; i < chunks; ++i) {
      cache_.RecycleNextChunk();  // pages that have lost code stay watched: a write tells
      ++counts_.recycled_chunks;
    }
    if (numbers_.IsNearlyUsedUp()) {
      numbers_.Clear();
    }
  }
  for (CodeUser* each : users_) {
    each->ForgetAllCode();
  }
  ResumeOthers();
  return true;
}

bool SharedCode::IsMapped(const Block& block, MappedWindow& window) const {
  return std::all_of(block.other_pages.begin(), block.other_pages.end(), [&](const OtherPage& page) {
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
  if (block != nullptr) {
    MutexLock lock(cache_.mutex());
    cache_.Retire(*block);
  }
  return Make(user, key, window, [&] { return Read(mode, window, offset); });
}

Unit SharedCode::Read(const UnitMode& mode, MappedWindow& window, u16 offset) const {
  if (eagerness_ == Eagerness::kNone) [[likely]] {
    return ReadUnit(mode, model_, window, offset);
  }
  Unit unit = ReadRegion(mode, model_, window, offset, RegionKind::kEverything);
  for (const UnitInst& inst : unit.insts) {
    if (eagerness_ == Eagerness::kRegionsWithTlb) {
      unit.hints.wandering.push_back({inst.offset, false});
      unit.hints.wandering.push_back({inst.offset, true});
    }
  }
  return unit;
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
                                u16 offset, bool as_region, AccessHints hints) {
  const BlockKey key{window.At(0)->host() + offset, mode.Key()};
  return Make(user, key, window, [&] {
    Unit unit = as_region ? ReadRegion(mode, model_, window, offset)
                          : ReadUnit(mode, model_, window, offset);
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
    MutexLock lock(cache_.mutex());
    if (!IsPrepared(unit, window)) {
      continue;
    }
    if (Block* const other = cache_.Find(key)) {
      const bool is_better = unit.is_region != other->is_region
                                 ? unit.is_region
                                 : unit.hints.size() > other->hints.size();
      if (!is_better) {
        return other;  // somebody else was faster
      }
      cache_.Retire(*other);
    }
    if (Block* const block = Translate(unit, key, window)) {
      return block;
    }
  }
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
  {
    MutexLock lock(cache_.mutex());
    const u64 address = reinterpret_cast<u64>(ram.data()) + offset;
    for (Block* block : cache_.Overlapping(address, length)) {
      cache_.Retire(*block);
      ++counts_.retired;
    }
    const u64 page = AlignDown(offset, kPageSize);
    const u64 page_address = reinterpret_cast<u64>(ram.data()) + page;
    cache_.ShrinkGranules(page_address);
    ram.SetCodeGranules(page, cache_.Granules(page_address));
  }
  for (CodeUser* user : users_) {
    user->AskToForgetBranches();
  }
}

}  // namespace tandem::jit
