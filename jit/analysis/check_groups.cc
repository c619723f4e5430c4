#include "jit/analysis/check_groups.h"

#include <algorithm>

namespace tandem::jit {

// Reads may rely on a check for writing, too. A check for reading becomes one for writing only
// where no other check for writing looks at the same cached run in between.
void CheckGroups::JoinOrLead(AccessPlan& plan, bool stays_apart) {
  auto& [read, write] = groups_[plan.base];
  if (TryJoin(write, plan) || (!plan.is_write && TryJoin(read, plan))) {
    return;
  }
  const bool can_upgrade = plan.is_write && write.leader == nullptr && !read.may_have_left;
  if (can_upgrade && TryJoin(read, plan)) {
    read.leader->is_write = true;
    write = read;
    read = {};
    return;
  }
  if (!stays_apart) {
    (plan.is_write ? write : read) = {&plan, 0, false};
  } else if (plan.is_write) {
    Forget(plan.base);  // its own check may replace the run that others would rely on
  } else {
    read = {};
  }
}

bool CheckGroups::TryJoin(Group& group, AccessPlan& plan) {
  if (group.leader == nullptr) {
    return false;
  }
  const i64 offset = i64{plan.offset} + group.delta;
  AccessPlan& leader = *group.leader;
  const i64 low = std::min<i64>(leader.check_offset, offset);
  const i64 high = std::max<i64>(i64{leader.check_offset} + leader.check_size, offset + plan.size);
  if (high - low > kMaxGroupSpan) {
    return false;
  }
  leader.check_offset = static_cast<i32>(low);
  leader.check_size = static_cast<u32>(high - low);
  leader.is_group = true;
  plan.leader = &leader;
  plan.slot_class = leader.slot_class;
  return true;
}

void CheckGroups::Move(u8 reg, i64 by) {
  for (Group* const group : {&groups_[reg].read, &groups_[reg].write}) {
    const i64 delta = group->delta + by;
    if (std::abs(delta) > kMaxConstant) {
      Forget(reg);
      return;
    }
    group->delta = static_cast<i32>(delta);
  }
}

void CheckGroups::NoteWayOut() {
  for (auto& [read, write] : groups_) {
    read.may_have_left = write.may_have_left = true;
  }
}

}  // namespace tandem::jit
