#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "base/ints.h"
#include "jit/unit/access_site.h"
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
  u32 rel32 = 0;        // where the displacement lies, from the block's start
  u32 stub = 0;         // where the jump leads while it is not linked, from the block's start
  u64 target = 0;       // host address of the guest instruction that it leads to
  u32 inside = 0;       // where the jump leads within the region, from the block's start; 0: it leaves
  bool flags_in_host = false;  // the arithmetic flags are in EFLAGS when it is taken
  Block* linked = nullptr;
};

struct IncomingLink {
  Block* from = nullptr;
  u32 site = 0;
};

// From a place in the host code to the guest instruction it belongs to.
struct CodePoint {
  u32 host = 0;     // from the block's start
  i16 offset = 0;   // of the guest instruction, from the start of the block's page
  bool flags_in_host = false;  // arithmetic flags that are needed are in EFLAGS from here on
  u32 rescue = 0;   // the code that brings all registers to their places first; 0: they are there
};
static_assert(sizeof(CodePoint) == 12, "there are as many as translated instructions");

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

// One translated piece of guest code. Guarded by the cache's mutex, but for what never changes after
// it was published.
struct Block {
  BlockKey key;
  u32 page_id = 0;               // of the page that it is entered in
  std::vector<GuestSpan> spans;  // what it was made of
  std::vector<OtherPage> other_pages;
  bool is_region = false;
  AccessHints hints;
  Homes homes;
  u8* code = nullptr;    // writable address
  u32 code_size = 0;
  u32 entry_in_memory = 0;  // entered with the flags in VcpuContext::flags_ax
  u32 entry_in_host = 0;    // entered with the flags in EFLAGS
  u32 cold = 0;             // where the code off the straight path starts
  u64 content = 0;  // a hash of the bytes it was translated from
  bool retired = false;

  bool Overlaps(u64 address, u64 length) const {
    return std::any_of(spans.begin(), spans.end(),
                       [&](const GuestSpan& span) { return span.Overlaps(address, length); });
  }

  // It is complete: gives back memory that was taken for more. Blocks are many and live long.
  void Shrink() {
    spans.shrink_to_fit();
    exits.shrink_to_fit();
    points.shrink_to_fit();
    call_outs.shrink_to_fit();
  }

  std::vector<ExitSite> exits;
  std::vector<IncomingLink> incoming;
  std::vector<CodePoint> points;
  std::vector<std::shared_ptr<const CallOut>> call_outs;  // what the code refers to
};

}  // namespace tandem::jit
