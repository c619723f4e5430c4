#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

#include "base/bits.h"
#include "base/log.h"
#include "jit/analysis/flags.h"
#include "jit/engine/call_out.h"
#include "jit/engine/log_block.h"
#include "jit/engine/shared_code.h"

// From a unit to a published block.
namespace tandem::jit {
namespace {

constexpr size_t kLookAhead = 10;
static_assert(kCodePages <= 1u << 13, "Block::page_id");
static_assert(Emitter::kMaxBlockSize < 1u << 20, "Block::code_size, ExitSite");

// Adds the time until its end, for -d jit.
class Stopwatch {
 public:
  explicit Stopwatch(std::atomic<u64>& total_ns)
      : total_ns_(total_ns), is_running_(LogEnabled(LogItem::kJit)) {
    if (is_running_) {
      start_ = std::chrono::steady_clock::now();
    }
  }
  ~Stopwatch() {
    if (is_running_) {
      const auto spent = std::chrono::steady_clock::now() - start_;
      total_ns_ += static_cast<u64>(std::chrono::nanoseconds(spent).count());
    }
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  std::atomic<u64>& total_ns_;
  const bool is_running_;
  std::chrono::steady_clock::time_point start_;
};

// Asks for the pages that the unit's code goes on in, or jumps to.
void FetchPagesNear(const Unit& unit, MappedWindow& window) {
  for (const UnitInst& inst : unit.insts) {
    window.At(PageOf(inst.offset));
    window.At(PageOf(inst.next() - 1));
    window.At(PageOf(inst.next()));
    switch (inst.treatment) {
      case Treatment::kConditional:
      case Treatment::kJump:
      case Treatment::kCall:
      case Treatment::kLoop:
        window.At(PageOf(inst.target()));
        break;
      default:
        break;
    }
  }
}

u32 BytesOf(const Unit& unit) {
  u32 bytes = 0;
  for (const UnitInst& inst : unit.insts) {
    bytes += inst.inst.length;
  }
  return bytes;
}

}  // namespace

// Before the cache is locked: all that translation will ask for.
bool SharedCode::Prepare(CodeUser& user, const Unit& unit, MappedWindow& window) {
  FetchPagesNear(unit, window);
  return MakeRoom(user) && ClaimAll(user, window, unit.OtherPages());
}

bool SharedCode::IsPrepared(const Unit& unit, MappedWindow& window) {
  return cache_.room() >= Emitter::kMaxBlockSize && AreClaimed(window, unit.OtherPages());
}

// The arithmetic flags that the code at an offset may need. What is looked at becomes part of what
// the block depends on. In another page there may be other code when it is jumped to. Flags that
// are to be precise are all needed in front of any instruction.
u32 SharedCode::FlagsNeededAt(const Unit& from, MappedWindow& window, i64 offset) {
  NeededFlags needed;
  if (from.mode.precise_flags || !from.LiesIn(PageOf(offset))) {
    return needed.value();
  }
  i64 at = offset;
  for (size_t i = 0; i < kLookAhead && PageOf(at) == PageOf(offset); ++i) {
    const std::optional<UnitInst> inst = ReadInst(from.mode, model_, window, at, false);
    if (!inst) {
      break;
    }
    footprint_.Add(*inst);
    if (!needed.Add(*inst)) {
      break;
    }
    at = inst->next();
  }
  return needed.value();
}

std::unique_ptr<Block> SharedCode::EmitBlock(Unit& unit, const BlockKey& key,
                                             MappedWindow& window) {
  const u32 seed = unit.is_region ? next_region_slot_
                                  : static_cast<u32>(key.address / 1024 * 0x9e3779b1u >> 7);
  std::vector<std::pair<i64, u32>> known;  // each place is looked at once
  const auto make_call_out = [&](const UnitInst& inst) {
    return std::make_shared<const CallOut>(inst, unit.mode, model_);
  };
  const auto look_at = [&](i64 offset) {
    for (const auto& [place, flags] : known) {
      if (place == offset) {
        return flags;
      }
    }
    return known.emplace_back(offset, FlagsNeededAt(unit, window, offset)).second;
  };
  const EmitRequest request{unit, window, make_call_out, seed, std::cref(look_at),
                            watches_entries_, counts_in_code_};
  std::unique_ptr<Block> block = emitter_.Emit(request, cache_.cursor());
  next_region_slot_ += unit.is_region ? kRegionSlots : 0;
  block->key = key;
  block->page_id = window.At(0)->id;
  for (const i64 page : unit.OtherPages()) {
    block->MakeExtras().other_pages.push_back({page, window.At(page)->host(), window.At(page)->id});
  }
  return block;
}

// Null: the code was changed meanwhile.
Block* SharedCode::Translate(Unit& unit, const BlockKey& key, MappedWindow& window,
                             std::vector<RetiredCode>& retired) {
  const Stopwatch stopwatch(counts_.translation_ns);
  footprint_.Begin(window);
  for (const UnitInst& inst : unit.insts) {
    footprint_.Add(inst);
  }
  std::unique_ptr<Block> block = EmitBlock(unit, key, window);
  block->spans.assign(footprint_.spans());
  block->content = footprint_.Content();
  Block* const result = block.get();
  Publish(unit, std::move(block), window);
  if (footprint_.IsUnchanged()) {
    return result;
  }
  Retire(*result, retired);
  return nullptr;
}

void SharedCode::Publish(const Unit& unit, std::unique_ptr<Block> made, MappedWindow& window) {
  const Block& block = *cache_.Publish(std::move(made));
  UpdateGranules(block, window);
  counts_.blocks += 1;
  counts_.regions += block.is_region ? 1 : 0;
  counts_.insts += unit.insts.size();
  counts_.guest_bytes += BytesOf(unit);
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
  const auto mode = cpu::DecodeModeOf(unit.mode.code_bits, unit.mode.is_real, model_);
  LogLine(BlockText({unit, block, window.linear(), mode, emitter_.live(), emitter_.accesses(), thunks_,
                     space_})
              .Make(LogItems()));
}

// From here on writes to these bytes are seen.
void SharedCode::UpdateGranules(const Block& block, MappedWindow& window) {
  window.VisitKnown([&](const GuestPage& page) {
    const u64 address = reinterpret_cast<u64>(page.host());
    if (block.Overlaps(address, static_cast<u64>(kPageBytes))) {
      page.ram->SetCodeGranules(page.offset, cache_.Granules(address));
    }
  });
}

}  // namespace tandem::jit
