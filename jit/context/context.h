#pragma once

#include <array>
#include <atomic>
#include <cstddef>

#include "cpu/mmu/tlb.h"
#include "cpu/state/cpu_state.h"

// What emitted code addresses relative to GS: one vCPU's state and caches.
namespace tandem::jit {

// Spans that one range check can cover: 2^0 to 2^9 bytes.
inline constexpr unsigned kSpanClasses = 10;
inline constexpr u64 kMaxSpan = u64{1} << (kSpanClasses - 1);

// The smallest class whose span holds size bytes.
constexpr unsigned SpanClass(u64 size) {
  unsigned result = 0;
  while ((u64{1} << result) < size) {
    ++result;
  }
  return result;
}

// One cached run of plain memory: the guest's bytes [base, base + length) are host bytes. An access
// of at most 2^k bytes at `linear` is inside if linear - base <= limit[k] (unsigned).
// No canonical address lies within the longest run from kNoBase: the entry is empty.
inline constexpr u64 kNoBase = u64{1} << 62;

struct MicroEntry {
  u64 base = kNoBase;
  u64 addend = 0;  // host address = linear address + addend
  u64 host = 0;    // host address of base
  u64 misses = 0;
  u64 splits = 0;  // groups of accesses that could not be checked together
  std::array<u64, kSpanClasses> limit{};
  u32 alias_fills = 0;  // from pages that are shown in order
  u32 is_local = 0;     // of pages that are not global
};
static_assert(sizeof(MicroEntry) == 128, "jit/x64 shifts by 7");

// The first half is chosen by address and register, the second half handed out to regions in turn.
inline constexpr unsigned kMicroSlots = 512;
inline constexpr unsigned kStraightSlots = kMicroSlots / 2;
inline constexpr unsigned kStackSlot = 0;  // of all accesses through RSP, outside of regions
// How often a run that was missed is filled from the TLB before C++ is asked, which knows longer ones.
inline constexpr unsigned kAskEvery = 32;
inline constexpr unsigned kMicroBanks = 3;  // as cpu::TlbBankIndex, without the one that never hits

// Where an indirect jump goes. An entry matches if tag == rip ^ VcpuContext::branch_salt.
struct BranchEntry {
  u64 tag;
  u64 code;     // host address
  u64 pc_base;  // for VcpuContext::pc_base
  u64 page_id;  // of the page with the target
};
static_assert(sizeof(BranchEntry) == 32, "jit/x64 shifts by 5");
inline constexpr unsigned kBranchEntries = 1u << 14;

// Pages with code that have a number (CodeWindow::Page::id).
inline constexpr u32 kCodePages = 1u << 13;

// Range checks of translated code, and those that failed; counted while -d jit is on.
struct CheckCounts {
  u64 runs = 0, run_misses = 0;  // against cached runs
  u64 tlb = 0, tlb_misses = 0;   // that look into the TLB
};

// Guest registers that have no host register of their own live in state.gpr all the time; the
// others only while C++ runs. So do the arithmetic flags in state.rflags.
struct alignas(4096) VcpuContext {
  cpu::CpuState state;

  // RIP of the first byte of the page whose code is running; a RIP is pc_base + offset in page.
  u64 pc_base = 0;
  // The arithmetic flags while they are not in the host's EFLAGS: AH as LAHF leaves it, AL = OF.
  u64 flags_ax = 0;
  // The host's stack pointers: of C++ while emitted code runs, and of the shadow return stack.
  u64 host_rsp = 0;
  u64 shadow_rsp = 0;
  u64 shadow_base = 0;
  // Distinguishes the modes and mappings for which branches[] were filled; never zero.
  u64 branch_salt = 0;
  // Emitted code returns to C++ at its next poll where this is not zero.
  std::atomic<u32> attention{0};
  // An interrupt waits for RFLAGS.IF.
  u32 window_wanted = 0;
  std::array<u64, 6> segment_base{};
  std::array<u64, 6> spill{};  // 0 to 3: of thunks, from 4 on: of blocks
  void* engine = nullptr;      // what thunks hand to C++
  u64 vectors_loaded = 0;      // xmm/ymm/zmm, k and MXCSR are in host registers
  u32 host_mxcsr = 0x1f80;
  u32 micro_used_count = 0;
  // Slots of micro[] filled since they were last emptied, as index within all of micro.
  std::array<u32, kMicroBanks * 2 * kMicroSlots> micro_used{};

  cpu::TlbStorage tlb;
  // By bank, read (0) or write (1), slot.
  std::array<std::array<std::array<MicroEntry, kMicroSlots>, 2>, kMicroBanks> micro{};
  std::array<BranchEntry, kBranchEntries> branches{};
  // Of groups of accesses whose first looks into the TLB: for the others.
  std::array<u64, 2 * kMicroSlots> group_addends{};
  // Where code pages are mapped, as far as is known: RIP of the page's start ^ branch_salt. Jumps
  // between pages rely on it.
  std::array<u64, kCodePages> page_tags{};

  std::array<CheckCounts, kMicroBanks> check_counts{};
  u64 branch_lookups = 0;  // likewise: of indirect jumps in branches
  u64 block_entries = 0;   // likewise: by links, by the table, and from C++
};

}  // namespace tandem::jit
