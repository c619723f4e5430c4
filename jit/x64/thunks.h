#pragma once

#include <array>

#include "cpu/mmu/tlb.h"
#include "jit/context/context.h"
#include "jit/unit/homes.h"

namespace tandem::jit {

// C++ that emitted code calls, all with the signature of `Handler`: the engine of the context, and
// two scratch registers' values. The guest's registers are in the context's state meanwhile. Returns
// the host code to go on with, or null to leave emitted code.
using Handler = const u8* (*)(void* engine, u64 first, u64 second);

struct Handlers {
  Handler interpret;     // first: SiteRecord of the instruction
  Handler poll;          // first: SiteRecord to go on at
  Handler verify;        // first: SiteRecord to go on at, in a page that is not in page_tags
  Handler link;          // second: address of a LinkRecord
  Handler branch;        // first: RIP to go on at, second: BranchSite of what leads there
  Handler miss;          // first: linear address, second: MissRecord; spill[3]: code to try again
  Handler call_out;      // first: CallOut*, second: code to go on at behind the instruction
  Handler execute;       // first: CallOut*
  Handler load_x87;      // first: SiteRecord
  Handler load_vectors;  // first: SiteRecord
  Handler entered;       // second: address of an EntryRecord; goes on behind it
};

// A guest instruction, and where the guest's registers are.
struct SiteRecord {
  i32 offset = 0;  // to VcpuContext::pc_base; 16 bits
  Homes homes;

  static constexpr bool Holds(i64 offset) { return offset == static_cast<i16>(offset); }
  constexpr u32 Pack() const { return static_cast<u16>(offset) | (homes.Pack() << 16); }
  static constexpr SiteRecord Unpack(u64 packed) {
    return {static_cast<i16>(packed), Homes::Unpack(static_cast<u32>(packed >> 16))};
  }
};

// An indirect branch that has been executed but for its look at the target.
struct BranchSite {
  bool is_known = false;
  i32 offset = 0;  // of the instruction, to VcpuContext::pc_base; 16 bits
  i32 popped = 0;  // what it has added to RSP

  // Of returns in 32 bits.
  constexpr u64 Pack() const {
    return u64{is_known} | u64{static_cast<u16>(offset)} << 1 |
           u64{static_cast<u32>(popped)} << 17;
  }
  static constexpr BranchSite Unpack(u64 packed) {
    return {(packed & 1) != 0, static_cast<i16>(packed >> 1), static_cast<i32>(packed >> 17)};
  }
};

// Stands in the code behind the call of the link thunk.
struct [[gnu::packed]] LinkRecord {
  u64 block;  // Block*
  u32 site;
};

// Stands behind the call of the thunk `entered`.
struct [[gnu::packed]] EntryRecord {
  u64 block;   // Block*
  i32 offset;  // of the guest instruction, from the start of the block's page
};

// What a check that failed says of itself.
struct MissRecord {
  SiteRecord site;
  u8 span_class = 0;
  u16 slot = 0;
  bool is_group = false;
  bool is_write = false;
  bool asks_tlb = false;
  bool is_stack = false;
  u16 size = 0;  // bytes, at most those of the class and more than half of it
  // The instruction's own access, from the checked address on; only what is_simple has no other cause
  // to fault before it than this access.
  u16 own_offset = 0;
  bool own_write = false;
  bool is_simple = false;

  static constexpr unsigned kSlotShift = 4;  // the lowest bits are span_class
  static constexpr unsigned kExcessShift = 56;  // the highest ones say how far size is below its class

  constexpr u64 Pack() const {
    const u64 excess = (1u << span_class) - size;
    return span_class | (u64{slot} << kSlotShift) | (u64{is_stack} << 13) |
           (u64{is_group} << 14) | (u64{is_write} << 15) | (u64{asks_tlb} << 16) |
           (u64{own_write} << 17) | (u64{is_simple} << 18) |
           (u64{site.Pack()} << 19) | (u64{own_offset} << 47) | (excess << kExcessShift);
  }
  static constexpr MissRecord Unpack(u64 packed) {
    const auto bits = [packed](unsigned at, unsigned count) {
      return static_cast<u16>((packed >> at) & ((1u << count) - 1));
    };
    const u8 span_class = static_cast<u8>(bits(0, 4));
    return {.site = SiteRecord::Unpack(packed >> 19),
            .span_class = span_class,
            .slot = bits(kSlotShift, 9),
            .is_group = bits(14, 1) != 0,
            .is_write = bits(15, 1) != 0,
            .asks_tlb = bits(16, 1) != 0,
            .is_stack = bits(13, 1) != 0,
            .size = static_cast<u16>((1u << span_class) - bits(kExcessShift, 8)),
            .own_offset = bits(47, 9),
            .own_write = bits(17, 1) != 0,
            .is_simple = bits(18, 1) != 0};
  }
};
static_assert(kMicroSlots <= 1 << 9 && kMaxSpan <= 1 << 9, "bits of MissRecord");

// Shared pieces of emitted code, at the start of the code space; writable addresses, as jumps within
// the space need them.
struct Thunks {
  void (*enter)(VcpuContext* context, const u8* code) = nullptr;  // executable address
  const u8* interpret = nullptr;
  const u8* poll = nullptr;
  const u8* verify = nullptr;
  const u8* link = nullptr;         // called; the record follows
  const u8* branch = nullptr;       // kScratch0: RIP, kScratch1: BranchSite
  const u8* find_branch = nullptr;  // likewise; looks whether it is known
  const u8* branch_miss = nullptr;  // kScratch0: RIP ^ branch_salt, kScratch1: BranchSite
  const u8* call_out = nullptr;     // kScratch0: CallOut*, kScratch1: where to come back to
  const u8* execute = nullptr;      // kScratch0: CallOut*
  const u8* load_x87 = nullptr;
  const u8* load_vectors = nullptr;
  const u8* entered = nullptr;  // called; the record follows
  const u8* return_underflow = nullptr;  // as an executable address: the end of the shadow stack
  std::array<std::array<const u8*, 2>, kMicroBanks> miss{};  // by bank, write
  size_t size = 0;  // bytes of the code space that they take
};

// has_avx512: the guest's vector state has 32 registers of 64 bytes and masks.
Thunks EmitThunks(u8* writable, const u8* executable, size_t size, const Handlers& handlers,
                  bool has_avx512);

}  // namespace tandem::jit
