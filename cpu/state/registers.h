#pragma once

#include "base/ints.h"

// Names of architectural bits. SDM Vol. 3, chapter 2 "System Architecture Overview".
namespace tandem::cpu {

enum Gpr : u8 {
  kRax,
  kRcx,
  kRdx,
  kRbx,
  kRsp,
  kRbp,
  kRsi,
  kRdi,  //
  kR8,
  kR9,
  kR10,
  kR11,
  kR12,
  kR13,
  kR14,
  kR15,
};

enum class SegReg : u8 { kEs, kCs, kSs, kDs, kFs, kGs };

inline constexpr u64 kFlagCf = 1u << 0;
inline constexpr u64 kFlagFixed1 = 1u << 1;
inline constexpr u64 kFlagPf = 1u << 2;
inline constexpr u64 kFlagAf = 1u << 4;
inline constexpr u64 kFlagZf = 1u << 6;
inline constexpr u64 kFlagSf = 1u << 7;
inline constexpr u64 kFlagTf = 1u << 8;
inline constexpr u64 kFlagIf = 1u << 9;
inline constexpr u64 kFlagDf = 1u << 10;
inline constexpr u64 kFlagOf = 1u << 11;
inline constexpr u64 kFlagIopl = 3u << 12;
inline constexpr u64 kFlagNt = 1u << 14;
inline constexpr u64 kFlagRf = 1u << 16;
inline constexpr u64 kFlagVm = 1u << 17;
inline constexpr u64 kFlagAc = 1u << 18;
inline constexpr u64 kFlagVif = 1u << 19;
inline constexpr u64 kFlagVip = 1u << 20;
inline constexpr u64 kFlagId = 1u << 21;
inline constexpr u64 kArithFlags = kFlagCf | kFlagPf | kFlagAf | kFlagZf | kFlagSf | kFlagOf;

inline constexpr u64 kCr0Pe = 1u << 0;
inline constexpr u64 kCr0Mp = 1u << 1;
inline constexpr u64 kCr0Em = 1u << 2;
inline constexpr u64 kCr0Ts = 1u << 3;
inline constexpr u64 kCr0Et = 1u << 4;
inline constexpr u64 kCr0Ne = 1u << 5;
inline constexpr u64 kCr0Wp = 1u << 16;
inline constexpr u64 kCr0Am = 1u << 18;
inline constexpr u64 kCr0Nw = 1u << 29;
inline constexpr u64 kCr0Cd = 1u << 30;
inline constexpr u64 kCr0Pg = 1u << 31;

inline constexpr u64 kCr4Vme = 1u << 0;
inline constexpr u64 kCr4Pvi = 1u << 1;
inline constexpr u64 kCr4Tsd = 1u << 2;
inline constexpr u64 kCr4De = 1u << 3;
inline constexpr u64 kCr4Pse = 1u << 4;
inline constexpr u64 kCr4Pae = 1u << 5;
inline constexpr u64 kCr4Mce = 1u << 6;
inline constexpr u64 kCr4Pge = 1u << 7;
inline constexpr u64 kCr4Pce = 1u << 8;
inline constexpr u64 kCr4Osfxsr = 1u << 9;
inline constexpr u64 kCr4Osxmmexcpt = 1u << 10;
inline constexpr u64 kCr4Umip = 1u << 11;
inline constexpr u64 kCr4La57 = 1u << 12;
inline constexpr u64 kCr4Fsgsbase = 1u << 16;
inline constexpr u64 kCr4Pcide = 1u << 17;
inline constexpr u64 kCr4Osxsave = 1u << 18;
inline constexpr u64 kCr4Smep = 1u << 20;
inline constexpr u64 kCr4Smap = 1u << 21;
inline constexpr u64 kCr4Pke = 1u << 22;
inline constexpr u64 kCr4Pks = 1u << 24;

inline constexpr u64 kEferSce = 1u << 0;
inline constexpr u64 kEferLme = 1u << 8;
inline constexpr u64 kEferLma = 1u << 10;
inline constexpr u64 kEferNxe = 1u << 11;

// XCR0 and XSAVE component bits. SDM Vol. 1, 13.1.
inline constexpr u64 kXcr0X87 = 1u << 0;
inline constexpr u64 kXcr0Sse = 1u << 1;
inline constexpr u64 kXcr0Avx = 1u << 2;
inline constexpr u64 kXcr0Opmask = 1u << 5;
inline constexpr u64 kXcr0ZmmHi256 = 1u << 6;
inline constexpr u64 kXcr0Hi16Zmm = 1u << 7;
inline constexpr u64 kXcr0Avx512 = kXcr0Opmask | kXcr0ZmmHi256 | kXcr0Hi16Zmm;
inline constexpr u64 kXcr0Pkru = 1u << 9;

}  // namespace tandem::cpu
