#pragma once

#include <array>

#include "base/ints.h"

namespace tandem::cpu {

// One cached translation of a 4 KiB page to host memory. A tag is the linear page address with the
// TLB's generation in its low 12 bits; kNoTag never matches.
struct TlbEntry {
  u64 read_tag;
  u64 write_tag;
  u64 execute_tag;
  u64 addend;  // host address = linear address + addend (mod 2^64)
};
static_assert(sizeof(TlbEntry) == 32);

inline constexpr u64 kNoTag = ~u64{0};
inline constexpr u64 kTlbEntries = 1024;

// Direct-mapped; one bank for each set of access rights, chosen by the mode and not by the access.
using TlbBank = std::array<TlbEntry, kTlbEntries>;

}  // namespace tandem::cpu
