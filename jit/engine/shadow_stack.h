#pragma once

#include "base/ints.h"
#include "jit/engine/engine.h"

namespace tandem::jit {

// The host stack of translated code: return addresses of guest calls, so that the host predicts the
// guest's returns. Bounded: it ends at a page that faults, and then starts anew.
class Engine::ShadowStack {
 public:
  // underflow: where a return goes that has no call.
  explicit ShadowStack(const u8* underflow);
  ~ShadowStack();

  u64 base() const { return base_; }
  bool IsGuard(u64 address) const { return address - reinterpret_cast<u64>(memory_) < kGuard; }

 private:
  static constexpr size_t kGuard = 4096;
  static constexpr size_t kSize = 64 << 10;

  u8* memory_;
  u64 base_ = 0;
};

}  // namespace tandem::jit
