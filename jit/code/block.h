#pragma once

#include <memory>
#include <vector>

#include "base/ints.h"
#include "jit/unit/call_out.h"

namespace tandem::jit {

// What translated code depends on besides its bytes: where these lie in host memory, and the mode.
struct BlockKey {
  u64 address = 0;  // host address of the first guest byte
  u64 mode = 0;     // UnitMode::Key

  bool operator==(const BlockKey&) const = default;
};

struct Block;

// A jump out of a block that can be made to lead straight into another one.
struct ExitSite {
  u32 rel32 = 0;        // where the displacement lies, from the block's start
  u32 stub = 0;         // where the jump leads while it is not linked, from the block's start
  u16 page_offset = 0;  // of the guest instruction that it leads to, in the same page
  bool flags_in_host = false;  // the arithmetic flags are in EFLAGS when it is taken
  Block* linked = nullptr;
};

struct IncomingLink {
  Block* from = nullptr;
  u32 site = 0;
};

// From a place in the host code to the guest instruction it belongs to.
struct CodePoint {
  u32 host = 0;          // from the block's start
  u16 page_offset = 0;  // of the guest instruction
  bool flags_in_host = false;  // arithmetic flags that are needed are in EFLAGS from here on
};

// One translated piece of guest code within one page. Guarded by the cache's mutex, but for what
// never changes after it was published.
struct Block {
  BlockKey key;
  u32 guest_size = 0;    // bytes from key.address on, within its page
  // Where the last instruction goes on in another page: that page's host address and the bytes
  // there. Such a block holds this instruction only and no jump is linked to it.
  u64 second_page = 0;
  u32 second_size = 0;
  u8* code = nullptr;    // writable address
  u32 code_size = 0;
  u32 entry_in_memory = 0;  // entered with the flags in VcpuContext::flags_ax
  u32 entry_in_host = 0;    // entered with the flags in EFLAGS
  u64 content = 0;  // a hash of the bytes it was translated from
  bool retired = false;

  bool Overlaps(u64 address, u64 length) const {
    return (key.address < address + length && address < key.address + guest_size) ||
           (second_size != 0 && second_page < address + length && address < second_page + second_size);
  }

  std::vector<ExitSite> exits;
  std::vector<IncomingLink> incoming;
  std::vector<CodePoint> points;
  std::vector<std::unique_ptr<const CallOut>> call_outs;  // what the code refers to
};

}  // namespace tandem::jit
