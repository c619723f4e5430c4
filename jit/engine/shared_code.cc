#include "jit/engine/shared_code.h"

#include <chrono>
#include <thread>

#include "base/bits.h"
#include "base/check.h"
#include "base/log.h"
#include "devices/bus/address.h"
#include "jit/analysis/flags.h"

namespace tandem::jit {
namespace {

constexpr size_t kSpaceSize = 128 << 20;
constexpr size_t kNextBytes = 15;
constexpr size_t kLookAhead = 6;

// The arithmetic flags that the code at an offset may need: until they are overwritten, some
// instruction reads them, or it cannot be told.
u32 FlagsNeededAt(const UnitMode& mode, const cpu::CpuModel& model,
                  std::span<const std::byte> page, u16 offset) {
  Unit unit = ReadUnit(mode, model, page, offset, {}, kLookAhead);
  if (unit.insts.empty()) {
    return static_cast<u32>(cpu::kArithFlags);
  }
  u32 open = static_cast<u32>(cpu::kArithFlags);
  u32 needed = 0;
  for (const UnitInst& unit_inst : unit.insts) {
    const FlagEffect effect = FlagEffectOf(unit_inst);
    needed |= effect.needs & open;
    open &= ~effect.overwrites;
    if (unit_inst.treatment == Treatment::kConditional) {
      break;
    }
  }
  return needed | open;
}

class ContentHash {
 public:
  void Add(const u8* bytes, size_t size) {
    for (size_t i = 0; i < size; ++i) {
      hash_ = (hash_ ^ bytes[i]) * 0x100000001b3;
    }
  }
  u64 value() const { return hash_; }

 private:
  u64 hash_ = 0xcbf29ce484222325;
};

// What was translated. Not taken from memory, which others may have changed since.
u64 ContentOf(const Unit& unit) {
  ContentHash hash;
  for (const UnitInst& unit_inst : unit.insts) {
    hash.Add(unit_inst.inst.bytes.data(), unit_inst.inst.length);
  }
  return hash.value();
}

// What stands there now.
u64 ContentNow(const Block& block) {
  ContentHash hash;
  hash.Add(reinterpret_cast<const u8*>(block.key.address), block.guest_size);
  hash.Add(reinterpret_cast<const u8*>(block.second_page), block.second_size);
  return hash.value();
}

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
    if (cache_.room() >= Emitter::kMaxBlockSize) {
      return true;
    }
  }
  if (!PauseOthers(user)) {
    return false;
  }
  {
    MutexLock lock(cache_.mutex());
    cache_.RecycleNextChunk();  // pages that have lost code stay watched: a write tells
  }
  ++counts_.recycled_chunks;
  for (CodeUser* each : users_) {
    each->ForgetAllCode();
  }
  ResumeOthers();
  return true;
}

const u8* SharedCode::Find(CodeUser& user, const UnitMode& mode, const GuestPage& page,
                                   u16 page_offset,
                                   const std::function<const GuestPage*()>& next) {
  const BlockKey key{reinterpret_cast<u64>(page.host()) + page_offset, mode.Key()};
  Block* block = nullptr;
  {
    MutexLock lock(cache_.mutex());
    block = cache_.Find(key);
  }
  if (block != nullptr && block->second_size != 0) {
    const GuestPage* const second = next();
    if (second == nullptr) {
      return nullptr;
    }
    if (reinterpret_cast<u64>(second->host()) != block->second_page) {
      MutexLock lock(cache_.mutex());
      cache_.Retire(*block);
      block = nullptr;
    }
  }
  if (block != nullptr) {
    return EntryOf(*block);
  }
  return Make(user, key, mode, page, next);
}

bool SharedCode::IsRewritten(const GuestPage& page) {
  MutexLock lock(cache_.mutex());
  return rewritten_.TakeStep(reinterpret_cast<u64>(page.host()));
}

// Between a claim and the translation others may take the room, or write to the page, which gives up
// the claim: then once more.
const u8* SharedCode::Make(CodeUser& user, const BlockKey& key, const UnitMode& mode,
                                   const GuestPage& page,
                                   const std::function<const GuestPage*()>& next) {
  const u16 page_offset = static_cast<u16>(key.address % kPageSize);
  const GuestPage* const second = page_offset > kPageSize - kNextBytes ? next() : nullptr;
  if (IsRewritten(page)) {
    return nullptr;
  }
  for (;;) {
    if (!MakeRoom(user) || !Claim(user, page) || (second != nullptr && !Claim(user, *second))) {
      return nullptr;
    }
    MutexLock lock(cache_.mutex());
    const bool is_claimed = page.ram->HasCode(page.offset) &&
                            (second == nullptr || second->ram->HasCode(second->offset));
    if (!is_claimed || cache_.room() < Emitter::kMaxBlockSize) {
      continue;
    }
    Block* block = cache_.Find(key);
    if (block == nullptr) {
      block = Translate(mode, page, page_offset, second);
    }
    return block == nullptr ? nullptr : EntryOf(*block);
  }
}

Block* SharedCode::Translate(const UnitMode& mode, const GuestPage& page, u16 page_offset,
                             const GuestPage* second) {
  const auto start = std::chrono::steady_clock::now();
  const std::span<const std::byte> bytes(page.host(), kPageSize);
  Unit unit = ReadUnit(mode, model_, bytes, page_offset, {});
  if (unit.insts.empty()) {
    if (second == nullptr) {
      return nullptr;
    }
    unit = ReadUnit(mode, model_, bytes, page_offset, {second->host(), kNextBytes});
  }
  CHECK(!unit.insts.empty());
  const u64 address = reinterpret_cast<u64>(page.host()) + page_offset;
  const EmitRequest request{
      unit, model_, static_cast<u32>(address / 1024 * 0x9e3779b1u >> 7),
      [&](u16 offset) { return FlagsNeededAt(mode, model_, bytes, offset); }};
  std::unique_ptr<Block> block = emitter_.Emit(request, cache_.cursor());
  block->key = {address, mode.Key()};
  block->guest_size = std::min<u32>(unit.end() - unit.start(), kPageSize - page_offset);
  if (unit.crosses_page) {
    block->second_page = reinterpret_cast<u64>(second->host());
    block->second_size = unit.end() - kPageSize;
  }
  block->content = ContentOf(unit);
  ++counts_.blocks;
  counts_.insts += unit.insts.size();
  counts_.guest_bytes += block->guest_size;
  counts_.host_bytes += block->code_size;
  Block* const result = cache_.Publish(std::move(block));
  UpdateGranules(page);
  if (unit.crosses_page) {
    UpdateGranules(*second);
  }
  LogBlock(unit, *result);
  if (perf_map_) {
    perf_map_->Add(*result, space_, page.ram->name(), page.offset + page_offset);
  }
  const auto spent = std::chrono::steady_clock::now() - start;
  counts_.translation_ns +=
      static_cast<u64>(std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count());
  return result;
}

void SharedCode::UpdateGranules(const GuestPage& page) {
  page.ram->SetCodeGranules(page.offset, cache_.Granules(reinterpret_cast<u64>(page.host())));
}

void SharedCode::Link(Block& from, u32 site, const BlockKey& to) {
  MutexLock lock(cache_.mutex());
  Block* const target = cache_.Find(to);
  if (target != nullptr && target->second_size == 0) {
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
        cache_.Retire(*block);
        retired.push_back({reinterpret_cast<u64>(EntryOf(*block)),
                           static_cast<u16>(block->key.address % kPageSize)});
      }
    }
    const u64 page = AlignDown(address, kPageSize);
    retired.empty() ? rewritten_.NoteWrite(page) : rewritten_.NoteRetired(page);
    const u64 granules = cache_.Granules(page);
    ram.SetCodeGranules(AlignDown(offset, kPageSize),
                        granules == 0 && rewritten_.IsWatched(page) ? ~u64{0} : granules);
  }
  counts_.retired += retired.size();
  for (CodeUser* user : users_) {
    if (!retired.empty()) {
      user->AskToForget(retired);
    }
  }
}

}  // namespace tandem::jit
