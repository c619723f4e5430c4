#pragma once

#include <array>

#include "cpu/decode/inst.h"
#include "tests/rows/compare.h"
#include "tests/rows/kvm_allowance.h"
#include "tests/rows/machine.h"

namespace tandem::cpu {

enum class Side : u8 { kInterpreter, kTranslator, kKvm };
inline constexpr size_t kSides = 3;
const char* NameOf(Side side);

// Differences that are no errors, each with its name and reason in a listing.
enum class Allowance : u8 {
  kOtherValue,
  kInexactUnknown,
  kDotProduct,
  kOldPointers,
  kFaultingGather,
  kForeignPage,
  kAreaAddress,
  kFarOrder,
  kX87Pointers,
  kDeadFlags,
  kPushedBefore,
  kNullSelector,
  kCount,
};
// Those of KVM that emulates (tests/rows/kvm_allowance.h) are counted behind them.
inline constexpr size_t kOwnAllowances = static_cast<size_t>(Allowance::kCount);
inline constexpr size_t kAllowances = kOwnAllowances + kKvmAllowances;
const char* NameOfAllowance(size_t index);

using AllowanceCounts = std::array<u64, kAllowances>;

struct Ending {
  Exceptions exception;
  CpuState state;
};

// Whether a call that faults may have stored its return address before its target is found wrong:
// far ones, and near ones of the translator. only: as for Allow.
bool MayHavePushed(EngineKind engine, const Inst* only, const Ending& ending);

// Makes `wanted`, what the host left, equal to what the engine left wherever the difference is
// allowed, and counts. only: the code's only instruction, null for a sequence. Returns whether
// memory may differ, too.
bool Allow(EngineKind engine, const Inst* only, const Ending& is, Ending& wanted,
           AllowanceCounts& counts);

}  // namespace tandem::cpu
