#include <algorithm>
#include <chrono>
#include <map>

#include "base/bits.h"
#include "base/log.h"
#include "jit/analysis/flags.h"
#include "jit/engine/call_out.h"
#include "jit/engine/content_hash.h"
#include "jit/engine/log_block.h"
#include "jit/engine/shared_code.h"

// From a unit to a published block.
namespace tandem::jit {
namespace {

constexpr size_t kLookAhead = 10;

// Pages that the unit's code goes on in, or jumps to.
std::vector<i64> PagesNear(const Unit& unit) {
  std::vector<i64> pages = unit.OtherPages();
  const auto add = [&](i64 offset) { pages.push_back(PageOf(offset)); };
  for (const UnitInst& inst : unit.insts) {
    switch (inst.treatment) {
      case Treatment::kConditional:
      case Treatment::kJump:
      case Treatment::kCall:
      case Treatment::kLoop:
        add(inst.target());
        break;
      default:
        break;
    }
    add(inst.next());
  }
  return pages;
}

// The guest's bytes of an instruction where they are the same as when it was read.
bool IsUnchanged(const UnitInst& unit_inst, MappedWindow& window) {
  for (i32 i = 0; i < unit_inst.inst.length; ++i) {
    const i64 at = unit_inst.offset + i;
    const CodeWindow::Page* const page = window.At(PageOf(at));
    if (static_cast<u8>(page->bytes[OffsetInPage(at)]) != unit_inst.inst.bytes[static_cast<u8>(i)]) {
      return false;
    }
  }
  return true;
}

bool IsUnchanged(const Unit& unit, MappedWindow& window) {
  return std::all_of(unit.insts.begin(), unit.insts.end(),
                     [&](const UnitInst& inst) { return IsUnchanged(inst, window); });
}

void AddSpan(i64 from, i64 to, MappedWindow& window, std::vector<GuestSpan>& spans) {
  while (from < to) {
    const i64 end = std::min(to, (PageOf(from) + 1) * kPageBytes);
    const u64 address = window.At(PageOf(from))->host() + OffsetInPage(from);
    spans.push_back({address, static_cast<u32>(end - from)});
    from = end;
  }
}

void AddSpans(const Unit& unit, MappedWindow& window, std::vector<GuestSpan>& spans) {
  for (size_t i = 0; i < unit.insts.size();) {
    const i64 from = unit.insts[i].offset;
    while (unit.FallsInto(i)) {
      ++i;
    }
    AddSpan(from, unit.insts[i].next(), window, spans);
    ++i;
  }
}

void AddContent(const Unit& unit, ContentHash& hash) {
  for (const UnitInst& unit_inst : unit.insts) {
    hash.Add(unit_inst.inst.bytes.data(), unit_inst.inst.length);
  }
}

}  // namespace

// Before the cache is locked: all that translation will ask for.
bool SharedCode::Prepare(CodeUser& user, const Unit& unit, MappedWindow& window) {
  for (const i64 page : PagesNear(unit)) {
    window.At(page);
  }
  if (!MakeRoom(user) || !Claim(user, *window.GuestAt(0))) {
    return false;
  }
  const std::vector<i64> pages = unit.OtherPages();
  return std::all_of(pages.begin(), pages.end(),
                     [&](i64 page) { return Claim(user, *window.GuestAt(page)); });
}

bool SharedCode::IsPrepared(const Unit& unit, MappedWindow& window) {
  std::vector<i64> pages = unit.OtherPages();
  pages.push_back(0);
  return cache_.room() >= Emitter::kMaxBlockSize &&
         std::all_of(pages.begin(), pages.end(), [&](i64 page) {
           const GuestPage& guest = *window.GuestAt(page);
           return guest.ram->HasCode(guest.offset);
         });
}

// The arithmetic flags that the code at an offset may need. What is looked at becomes part of what
// the block depends on. In another page there may be other code when it is jumped to.
u32 SharedCode::FlagsNeededAt(const Unit& from, MappedWindow& window, i64 offset,
                              std::vector<Unit>& looked_at) {
  if (!from.LiesIn(PageOf(offset))) {
    return static_cast<u32>(cpu::kArithFlags);
  }
  Unit unit = ReadUnit(from.mode, model_, window, offset, kLookAhead);
  if (unit.insts.empty() || PageOf(unit.insts.back().next() - 1) != PageOf(offset)) {
    return static_cast<u32>(cpu::kArithFlags);
  }
  const u32 needed = FlagsNeededBy(unit);
  looked_at.push_back(std::move(unit));
  return needed;
}

// The bytes as they were read: in memory others may have changed them since.
void SharedCode::DependOn(const Unit& unit, const std::vector<Unit>& looked_at,
                          MappedWindow& window, Block& block) {
  ContentHash hash;
  AddSpans(unit, window, block.spans);
  AddContent(unit, hash);
  for (const Unit& other : looked_at) {
    AddSpans(other, window, block.spans);
    AddContent(other, hash);
  }
  block.content = hash.value();
}

// Null: the code was changed meanwhile.
Block* SharedCode::Translate(Unit& unit, const BlockKey& key, MappedWindow& window) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<Unit> looked_at;
  std::map<i64, u32> needed;
  const u32 seed = unit.is_region ? next_region_slot_
                                  : static_cast<u32>(key.address / 1024 * 0x9e3779b1u >> 7);
  const auto make_call_out = [&](const UnitInst& inst) {
    return std::make_shared<const CallOut>(inst, unit.mode, model_);
  };
  const auto flags_needed_at = [&](i64 offset) {
    const auto [it, is_new] = needed.try_emplace(offset, 0);
    if (is_new) {
      it->second = FlagsNeededAt(unit, window, offset, looked_at);
    }
    return it->second;
  };
  const EmitRequest request{unit, window, make_call_out, seed, flags_needed_at,
                            watches_entries_, counts_in_code_};
  std::unique_ptr<Block> block = emitter_.Emit(request, cache_.cursor());
  next_region_slot_ += unit.is_region ? kRegionSlots : 0;
  block->key = key;
  block->page_id = window.At(0)->id;
  for (const i64 page : unit.OtherPages()) {
    block->other_pages.push_back({page, window.At(page)->host(), window.At(page)->id});
  }
  DependOn(unit, looked_at, window, *block);
  Block* const result = block.get();
  Publish(unit, std::move(block), window);
  const auto spent = std::chrono::steady_clock::now() - start;
  counts_.translation_ns +=
      static_cast<u64>(std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count());
  const bool is_unchanged =
      IsUnchanged(unit, window) &&
      std::all_of(looked_at.begin(), looked_at.end(),
                  [&](const Unit& other) { return IsUnchanged(other, window); });
  if (!is_unchanged) {
    cache_.Retire(*result);
  }
  return is_unchanged ? result : nullptr;
}

void SharedCode::Publish(const Unit& unit, std::unique_ptr<Block> made, MappedWindow& window) {
  const Block& block = *cache_.Publish(std::move(made));
  UpdateGranules(block, window);
  counts_.blocks += 1;
  counts_.regions += block.is_region ? 1 : 0;
  counts_.insts += unit.insts.size();
  for (const UnitInst& inst : unit.insts) {
    counts_.guest_bytes += inst.inst.length;
  }
  counts_.host_bytes += block.code_size;
  LogBlock(unit, block, window);
  if (perf_map_) {
    const GuestPage& page = *window.GuestAt(0);
    perf_map_->Add(block, space_, page.ram->name(),
                   page.offset + static_cast<u64>(OffsetInPage(unit.start())));
  }
  if (gdb_jit_) {
    gdb_jit_->Add(space_.ToExecutable(block.code), block.code_size,
                  window.linear() + static_cast<u64>(i64{unit.start()}));
  }
}

// -d in_asm, op and out_asm. One text a block: those of other threads do not get in between.
void SharedCode::LogBlock(const Unit& unit, const Block& block, const MappedWindow& window) const {
  constexpr u32 kWanted = static_cast<u32>(LogItem::kInAsm) | static_cast<u32>(LogItem::kOp) |
                          static_cast<u32>(LogItem::kOutAsm);
  if ((LogItems() & kWanted) == 0) [[likely]] {
    return;
  }
  LogLine(BlockText({unit, block, window.linear(), ToDecodeMode(unit.mode, model_), emitter_.live(),
                     emitter_.accesses(), thunks_, space_})
              .Make(LogItems()));
}

// From here on writes to these bytes are seen.
void SharedCode::UpdateGranules(const Block& block, MappedWindow& window) {
  for (const GuestPage* page : window.Known()) {
    const u64 address = reinterpret_cast<u64>(page->host());
    if (block.Overlaps(address, static_cast<u64>(kPageBytes))) {
      page->ram->SetCodeGranules(page->offset, cache_.Granules(address));
    }
  }
}

}  // namespace tandem::jit
