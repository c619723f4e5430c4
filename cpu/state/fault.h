#pragma once

#include "base/ints.h"

namespace tandem::cpu {

enum class Vector : u8 {
  kDe = 0,
  kDb = 1,
  kNmi = 2,
  kBp = 3,
  kOf = 4,
  kBr = 5,
  kUd = 6,
  kNm = 7,  //
  kDf = 8,
  kTs = 10,
  kNp = 11,
  kSs = 12,
  kGp = 13,
  kPf = 14,
  kMf = 16,
  kAc = 17,
  kMc = 18,
  kXm = 19,
  kCp = 21,
};

// A guest exception as a value: falsy when there is none. Two machine words, so functions return
// it in registers.
struct [[nodiscard]] Fault {
  bool raised = false;
  Vector vector{};
  bool has_error_code = false;
  u32 error_code = 0;
  u64 address = 0;  // #PF: the linear address for CR2. #DB: bits to be set in DR6.

  explicit operator bool() const { return raised; }

  static constexpr Fault None() { return {}; }
  static constexpr Fault Of(Vector vector) { return {true, vector, false, 0, 0}; }
  static constexpr Fault WithCode(Vector vector, u32 error_code) {
    return {true, vector, true, error_code, 0};
  }
  static constexpr Fault Page(u32 error_code, u64 address) {
    return {true, Vector::kPf, true, error_code, address};
  }
  static constexpr Fault Debug(u64 dr6_bits) { return {true, Vector::kDb, false, 0, dr6_bits}; }
  static constexpr Fault Gp(u32 error_code = 0) { return WithCode(Vector::kGp, error_code); }
  static constexpr Fault Ud() { return Of(Vector::kUd); }
};
static_assert(sizeof(Fault) == 16);

}  // namespace tandem::cpu
