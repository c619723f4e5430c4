#include "jit/engine/engine.h"

// Cached runs and targets go with the TLB entries that they were made of.
namespace tandem::jit {

void Engine::OnFlushAll() {
  ++counts_.flushes;
  DropRuns([](const MicroEntry&, size_t, bool) { return true; });
  ForgetBranches();
}

// Supervisor code is global with most kernels: then its targets stay.
void Engine::OnFlushLocal() {
  ++counts_.flushes;
  DropRuns([](const MicroEntry& entry, size_t bank, bool) {
    return bank == cpu::kUserBank || entry.is_local != 0;
  });
  if (has_local_supervisor_branches_) {
    ForgetBranches();
  } else if (mode_.is_user) {
    mode_is_old_ = true;
    ResetShadowStack();
  }
}

void Engine::OnFlushRegion(u64 start, u64 size) {
  ++counts_.flushes;
  DropRuns([&](const MicroEntry& entry, size_t, bool) {
    return entry.base < start + size && start <= entry.base + entry.limit[0];
  });
  if (code_pages_.MayHold(start, size)) {
    ForgetBranches();
  }
}

void Engine::OnDropWrites() {
  DropRuns([](const MicroEntry&, size_t, bool is_write) { return is_write; });
}

}  // namespace tandem::jit
