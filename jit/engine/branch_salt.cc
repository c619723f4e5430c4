#include <algorithm>

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
  const u64 key = mode_.Key();
  const u64 code_base = context_.segment_base[static_cast<size_t>(cpu::SegReg::kCs)];
  const auto known = std::find_if(salts_.begin(), salts_.end(), [&](const SaltEntry& entry) {
    return entry.mode == key && entry.code_base == code_base && entry.validity == validity && entry.salt != 0;
  });
  if (known != salts_.end()) {
    context_.branch_salt = known->salt;
    return;
  }
  if (next_salt_ > kMaxSalt) {
    context_.branches.fill({});
    context_.page_tags.fill(0);
    salts_.fill({});
    next_salt_ = 1;
  }
  SaltEntry& entry = salts_[oldest_salt_++ % salts_.size()];
  entry = {key, code_base, validity, next_salt_++ << kSaltShift};
  context_.branch_salt = entry.salt;
}

void Engine::ForgetBranches() {
  ++salt_epoch_;
  mode_is_old_ = true;
}

}  // namespace tandem::jit
