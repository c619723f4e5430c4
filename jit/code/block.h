#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "base/compact_vector.h"
#include "base/ints.h"
#include "jit/unit/hints.h"
#include "jit/unit/homes.h"

namespace tandem::jit {

// What translated code depends on besides its bytes: where these lie in host memory, and the mode.
struct BlockKey {
  u64 address = 0;  // host address of the first guest byte
  u64 mode = 0;     // UnitMode::Key

  bool operator==(const BlockKey&) const = default;
};

struct Block;
struct CallOut;  // the engine's: jit/engine/call_out.h

// A jump out of a block that can be made to lead straight into another one, or within a region one
// that must not be taken any more once the region is retired.
struct ExitSite {
  u64 rel32 : 20 = 0;   // where the displacement lies, from the block's start
  u64 stub : 20 = 0;    // where the jump leads while it is not linked, from the block's start
  u64 inside : 20 = 0;  // where it leads within the region, from the block's start; 0: it leaves
  u64 flags_in_host : 1 = 0;  // the arithmetic flags are in EFLAGS when it is taken
  u64 target = 0;             // host address of the guest instruction that it leads to
  Block* linked = nullptr;
};
static_assert(sizeof(ExitSite) == 24, "there are as many as jumps");

struct IncomingLink {
  Block* from = nullptr;
  u32 site = 0;
};

// From a place in the host code to the guest instruction it belongs to.
#pragma pack(push, 2)
struct CodePoint {
  u32 host : 31 = 0;          // from the block's start
  u32 flags_in_host : 1 = 0;  // arithmetic flags that are needed are in EFLAGS from here on
  i16 offset = 0;  // of the guest instruction, from the start of the block's page
};
#pragma pack(pop)
static_assert(sizeof(CodePoint) == 6, "there are as many as translated instructions");

// Host code in which registers are not in their places: code brings them there first.
struct Rescue {
  u32 start = 0, end = 0;  // of the host code, from the block's start, like the next
  u32 code = 0;
};

// Guest bytes, within one page.
struct GuestSpan {
  u64 address = 0;  // on the host
  u32 size = 0;

  bool Overlaps(u64 other, u64 length) const {
    return address < other + length && other < address + size;
  }
};

// A page other than the one it is entered in with bytes of a block, which holds while that page is
// mapped there.
struct OtherPage {
  i64 page = 0;  // how many pages after the first
  u64 host = 0;
  u32 id = 0;    // index into VcpuContext::page_tags
};

// What few blocks have.
struct BlockExtras {
  std::vector<OtherPage> other_pages;
  Hints hints;
  std::vector<Rescue> rescues;
  std::vector<std::shared_ptr<const CallOut>> call_outs;  // what the code refers to
  u32 jump_table = 0;  // where it lies behind the code, from the block's start; 0: there is none
};

// One translated piece of guest code. Guarded by the cache's mutex, but for what never changes after
// it was published. Blocks are many.
struct Block {
  BlockKey key;
  u8* code = nullptr;    // writable address
  u64 code_size : 20 = 0;
  u64 cold : 20 = 0;     // where the code off the straight path starts
  u64 page_id : 13 = 0;  // of the page that it is entered in
  u64 is_region : 1 = false;
  u64 retired : 1 = false;
  u16 entry_in_memory = 0;  // entered with the flags in VcpuContext::flags_ax
  u16 entry_in_host = 0;    // entered with the flags in EFLAGS
  Homes homes;
  u64 content = 0;  // a hash of the bytes it was translated from
  CompactVector<GuestSpan> spans;  // what it was made of
  CompactVector<ExitSite> exits;
  CompactVector<IncomingLink> incoming;
  CompactVector<CodePoint> points;
  std::unique_ptr<BlockExtras> extras;  // null: it has none

  std::span<const OtherPage> other_pages() const {
    return extras ? extras->other_pages : std::span<const OtherPage>();
  }
  // Where code ends, from the block's start.
  u64 code_end() const {
    return extras && extras->jump_table != 0 ? extras->jump_table : code_size;
  }
  const Hints& hints() const {
    static const Hints kNone;
    return extras ? extras->hints : kNone;
  }
  BlockExtras& MakeExtras() {
    if (!extras) {
      extras = std::make_unique<BlockExtras>();
    }
    return *extras;
  }

  bool Overlaps(u64 address, u64 length) const {
    return std::any_of(spans.begin(), spans.end(),
                       [&](const GuestSpan& span) { return span.Overlaps(address, length); });
  }

  // It is complete: gives back memory that was taken for more.
  void Shrink() {
    spans.shrink_to_fit();
    exits.shrink_to_fit();
    points.shrink_to_fit();
  }
};
static_assert(sizeof(Block) == 120, "malloc takes eight more: two cache lines");

}  // namespace tandem::jit
