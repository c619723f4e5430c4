#pragma once

#include <array>

#include "cpu/mmu/tlb.h"
#include "jit/context/context.h"

namespace tandem::jit {

// C++ that emitted code calls, all with the signature of `Handler`: the engine of the context, and
// two scratch registers' values. The guest's registers are in the context's state meanwhile. Returns
// the host code to go on with, or null to leave emitted code.
using Handler = const u8* (*)(void* engine, u64 first, u64 second);

struct Handlers {
  Handler interpret;     // first: page offset of the instruction
  Handler poll;          // first: page offset to go on at
  Handler link;          // second: address of a LinkRecord
  Handler branch;        // first: RIP to go on at
  Handler miss;          // first: linear address, second: MissRecord; spill[3]: code to try again
  Handler call_out;      // first: CallOut*, second: code to go on at behind the instruction
  Handler execute;       // first: CallOut*
  Handler load_x87;      // first: page offset
  Handler load_vectors;  // first: page offset
};

// Stands in the code behind the call of the link thunk.
struct [[gnu::packed]] LinkRecord {
  u64 block;  // Block*
  u32 site;
};

// What a check that failed says of itself.
struct MissRecord {
  u16 page_offset;  // of the instruction, 12 bits
  u8 span_class;
  u16 slot;
  bool is_group;
  bool is_write;
  u16 size;  // bytes, at most those of the class
  // The instruction's own access, from the checked address on; only what is_simple has no other cause
  // to fault before it than this access.
  u16 own_offset = 0;
  bool own_write = false;
  bool is_simple = false;

  constexpr u64 Pack() const {
    return page_offset | (u64{span_class} << 12) | (u64{slot} << 16) | (u64{is_group} << 28) |
           (u64{is_write} << 29) | (u64{own_write} << 30) | (u64{is_simple} << 31) |
           (u64{own_offset} << 32) | (u64{size} << 48);
  }
  static constexpr MissRecord Unpack(u64 packed) {
    const auto bit = [packed](unsigned at) { return ((packed >> at) & 1) != 0; };
    return {.page_offset = static_cast<u16>(packed & 0xfff),
            .span_class = static_cast<u8>((packed >> 12) & 0xf),
            .slot = static_cast<u16>((packed >> 16) & 0xfff),
            .is_group = bit(28),
            .is_write = bit(29),
            .size = static_cast<u16>(packed >> 48),
            .own_offset = static_cast<u16>(packed >> 32),
            .own_write = bit(30),
            .is_simple = bit(31)};
  }
};
static_assert(kMicroSlots <= 1 << 12);

// Shared pieces of emitted code, at the start of the code space; writable addresses, as jumps within
// the space need them.
struct Thunks {
  void (*enter)(VcpuContext* context, const u8* code) = nullptr;  // executable address
  const u8* interpret = nullptr;
  const u8* poll = nullptr;
  const u8* link = nullptr;         // called; the record follows
  const u8* branch = nullptr;       // kScratch0: RIP
  const u8* find_branch = nullptr;  // likewise; looks whether it is known
  const u8* branch_miss = nullptr;  // kScratch0: RIP ^ branch_salt
  const u8* call_out = nullptr;     // kScratch0: CallOut*, kScratch1: where to come back to
  const u8* execute = nullptr;      // kScratch0: CallOut*
  const u8* load_x87 = nullptr;
  const u8* load_vectors = nullptr;
  const u8* return_underflow = nullptr;  // as an executable address: the end of the shadow stack
  std::array<std::array<const u8*, 2>, kMicroBanks> miss{};  // by bank, write
  size_t size = 0;  // bytes of the code space that they take
};

// has_avx512: the guest's vector state has 32 registers of 64 bytes and masks.
Thunks EmitThunks(u8* writable, const u8* executable, size_t size, const Handlers& handlers,
                  bool has_avx512);

}  // namespace tandem::jit
