#pragma once

#include <array>
#include <cstddef>

#include "base/ints.h"

namespace tandem::cpu {

// One cached translation of a 4 KiB page to host memory. A tag is the linear page address with the
// bank's generation in its low 12 bits; kNoTag never matches.
struct TlbEntry {
  u64 read_tag;
  u64 write_tag;
  u64 execute_tag;
  u64 addend;  // host address = linear address + addend (mod 2^64)
};

inline constexpr u64 kNoTag = ~u64{0};
inline constexpr TlbEntry kNoEntry{kNoTag, kNoTag, kNoTag, 0};
inline constexpr u64 kTlbEntries = 1024;

// Direct-mapped; one bank for each set of access rights, chosen by the mode and not by the access.
using TlbBank = std::array<TlbEntry, kTlbEntries>;
// kSupervisorAcBank: CPL 0-2 with SMAP and EFLAGS.AC = 1. kNeverBank: has no entries, for modes in
// which each access needs a look.
enum TlbBankIndex : u8 { kUserBank, kSupervisorBank, kSupervisorAcBank, kNeverBank, kBankCount };

// The TLB of one vCPU, where emitted code can address it. Written by its Mmu only.
struct alignas(64) TlbStorage {
  std::array<TlbBank, kBankCount> banks;
  // Which slots hold entries that are not global, a bit each.
  std::array<std::array<u64, kTlbEntries / 64>, kBankCount> local_slots;
  std::array<u64, kBankCount> generations;  // OR-ed into the tags of each bank: 0 to 0xffe
};
static_assert(sizeof(TlbEntry) == 32 && sizeof(TlbBank) == 32 * kTlbEntries &&
                  offsetof(TlbStorage, banks) == 0 &&
                  offsetof(TlbStorage, local_slots) == kBankCount * sizeof(TlbBank),
              "jit/x64 addresses these directly");

}  // namespace tandem::cpu
