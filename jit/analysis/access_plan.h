#pragma once

#include "jit/unit/unit.h"

namespace tandem::jit {

// How a memory access finds its host address.
enum class AccessForm : u8 {
  kNone,
  kBase,     // base register + constant, 64-bit addresses: [base + addend + constant]
  kIndexed,  // index with or without base, 64-bit addresses
  kAny,      // the address is computed into a register first
};

// One memory access and the range check it relies on.
struct AccessPlan {
  AccessForm form = AccessForm::kNone;
  bool is_write = false;     // of a leader: some access of its group writes
  const AccessPlan* leader = nullptr;  // whose check covers it; null: it has its own
  bool is_group = false;     // the check covers other accesses, too
  bool can_ask_tlb = false;
  bool asks_tlb = false;     // its check looks into the TLB and not at a cached run
  u8 base = cpu::kNoRegister;
  u8 slot_class = 0;         // which cached run it looks at: see kSlotClasses
  u16 size = 0;              // bytes of this access
  i32 offset = 0;            // kBase: from the base register's value when the instruction runs
  i32 check_offset = 0;      // without leader: the checked bytes start here ...
  u32 check_size = 0;        // ... and are so many

  // Whether the run that it uses was checked for writing.
  bool uses_write_run() const { return leader != nullptr ? leader->is_write : is_write; }
};

// Cached runs of a unit: by base register, by base register with index, and others.
inline constexpr unsigned kSlotClasses = 40;
// Cached runs that one region uses at most.
inline constexpr unsigned kRegionSlots = 64;
// How far from a register's value its accesses may lie, for checks to be shared.
inline constexpr i64 kMaxConstant = 1 << 30;
// Bytes that one check of a group covers at most.
inline constexpr i32 kMaxGroupSpan = 512;

struct InstAccesses {
  AccessPlan memory;  // the instruction's memory operand
  AccessPlan stack;   // the implicit stack access
  // Of a leader with an only way in: where that way used the addend of a check last, which may stay in a
  // register.
  const AccessPlan* kept = nullptr;
};

// How far a check serves.
enum class GroupReach : u8 {
  kBlock,  // to the next leader, for what is told of each leader
  kWays,   // and where control comes to from one place only, in a region
};

// Chooses forms and groups: accesses through the same value of a register that lie near each other
// share the check of the first.
std::vector<InstAccesses> PlanAccesses(const Unit& unit, GroupReach reach = GroupReach::kWays);

}  // namespace tandem::jit
