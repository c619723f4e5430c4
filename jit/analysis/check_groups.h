#pragma once

#include <array>

#include "jit/analysis/access_plan.h"

namespace tandem::jit {

// The checks that accesses further on can share, by the base register that they go through.
class CheckGroups {
 public:
  // plan: an access through its base register's value now. It joins a check near it, or its own may
  // be joined by others, unless that is to stay apart.
  void JoinOrLead(AccessPlan& plan, bool stays_apart);
  // Something constant is added to a register.
  void Move(u8 reg, i64 by);
  void Forget(u8 reg) { groups_[reg] = {}; }
  // Control may have gone elsewhere.
  void NoteWayOut();

 private:
  struct Group {
    AccessPlan* leader = nullptr;
    i32 delta = 0;               // the base register's value now minus that at the check
    bool may_have_left = false;  // a conditional exit lies between
  };
  struct Pair {
    Group read, write;
  };

  static bool TryJoin(Group& group, AccessPlan& plan);

  std::array<Pair, 16> groups_{};
};

}  // namespace tandem::jit
