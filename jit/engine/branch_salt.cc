#include <algorithm>

#include "base/mutex.h"
#include "jit/engine/engine.h"

// Cached targets of indirect jumps hold for one mode and one set of translations. Each such pair has
// a number that is mixed into the tags, so that a change drops nothing and what comes back is found
// again.
namespace tandem::jit {
namespace {

constexpr u64 kMaxSalt = 0xffff;
constexpr unsigned kSaltShift = 48;

}  // namespace

void Engine::UpdateSalt() {
  const u64 tag = mode_.is_user ? mmu_.user_generation_tag() + 1 : 0;
  const u64 validity = (mmu_.global_generation() << 13 | tag) + (salt_epoch_ << 40);
  const u64 code_base = context_.segment_base[static_cast<size_t>(cpu::SegReg::kCs)];
  SaltEntry& last = last_salts_[mode_.is_user];
  if (!last.Holds(mode_key_, code_base, validity)) {
    last = FindSalt(code_base, validity);
  }
  context_.branch_salt = last.salt;
}

Engine::SaltEntry Engine::FindSalt(u64 code_base, u64 validity) {
  const u64 place = (validity + (code_base << 20)) * 0x9e3779b97f4a7c15;
  const u64 hash = (mode_key_ ^ place) * 0xff51afd7ed558ccd;
  auto& [recent, other] = salts_[hash >> 32 & (salts_.size() - 1)];
  if (recent.Holds(mode_key_, code_base, validity)) {
    return recent;
  }
  if (other.Holds(mode_key_, code_base, validity)) {
    return other;
  }
  if (next_salt_ > kMaxSalt) {
    context_.branches.fill({});
    context_.page_tags.fill(0);
    ungrouped_.fill({});
    salts_.fill({});
    last_salts_.fill({});
    user_left_.salt = 0;
    next_salt_ = 1;
  }
  other = recent;
  recent = {mode_key_, code_base, validity, next_salt_++ << kSaltShift};
  return recent;
}

void Engine::AskToForget(std::span<const RetiredCode> retired) noexcept {
  {
    MutexLock lock(retired_mu_);
    retired_.insert(retired_.end(), retired.begin(), retired.end());
  }
  context_.attention.fetch_or(kForgetAttention);
}

// The tables are indexed by RIP, of which the offset in the page is known, but for real mode's code that
// starts within a page.
void Engine::ForgetRetired() {
  std::vector<RetiredCode> retired;
  {
    MutexLock lock(retired_mu_);
    retired.swap(retired_);
  }
  const auto forget = [](auto& table, const RetiredCode& gone) {
    for (u64 rip = gone.page_offset; rip < std::max<u64>(table.size(), kPageSize);
         rip += kPageSize) {
      BranchEntry& entry = table[rip % table.size()];
      entry.tag = entry.code == gone.code ? 0 : entry.tag;
    }
  };
  if (has_odd_code_base_) {
    context_.branches.fill({});
    ungrouped_.fill({});
    has_odd_code_base_ =
        context_.segment_base[static_cast<size_t>(cpu::SegReg::kCs)] % kPageSize != 0;
  } else {
    for (const RetiredCode& gone : retired) {
      forget(context_.branches, gone);
      forget(ungrouped_, gone);
    }
  }
  ResetShadowStack();
  user_left_.salt = 0;
}

void Engine::ForgetBranches() {
  ++salt_epoch_;
  code_pages_.Clear();
  has_local_supervisor_branches_ = false;
  mode_is_old_ = true;
  ResetShadowStack();
}

}  // namespace tandem::jit
