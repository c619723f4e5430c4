#pragma once

#include "base/ints.h"

namespace tandem::firmware {

// Where direct boot puts its things in the first megabyte. A kernel is told by E820 that all of it
// below the EBDA is free RAM; it copies what it needs before it reuses it.
inline constexpr u64 kGdtAddress = 0x500;
inline constexpr u64 kPvhStartInfoAddress = 0x6000;
inline constexpr u64 kBootParamsAddress = 0x7000;
inline constexpr u64 kPageTablesAddress = 0x9000;  // PML4, PDPT and four page directories
inline constexpr u64 kMultibootInfoAddress = 0x10000;
inline constexpr u64 kCommandLineAddress = 0x20000;
inline constexpr u64 kCommandLineMax = 0x10000;
inline constexpr u64 kEbdaAddress = 0x9fc00;
inline constexpr u64 kBiosRomAddress = 0xe0000;  // the last 128 KiB below 1 MiB
inline constexpr u64 kBiosRomSize = 0x20000;
inline constexpr u64 kHighMemoryAddress = 0x100000;

// RAM beyond this moves above 4 GiB; PCI has the room between.
inline constexpr u64 kLowRamMax = 0xc0000000;
inline constexpr u64 k4GiB = u64{1} << 32;

inline constexpr u32 kIoApicAddress = 0xfec00000;
inline constexpr u32 kHpetAddress = 0xfed00000;
inline constexpr u32 kLocalApicAddress = 0xfee00000;

}  // namespace tandem::firmware
