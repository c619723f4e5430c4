#include "jit/engine/shadow_stack.h"

#include <sys/mman.h>

#include "base/check.h"

namespace tandem::jit {
namespace {

constexpr size_t kSentinels = 64;

}  // namespace

Engine::ShadowStack::ShadowStack(const u8* underflow) {
  void* mapped = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(mapped != MAP_FAILED);
  memory_ = static_cast<u8*>(mapped);
  CHECK(::mprotect(memory_, kGuard, PROT_NONE) == 0);
  u64* const end = reinterpret_cast<u64*>(memory_ + kSize);
  base_ = reinterpret_cast<u64>(end - kSentinels);
  for (size_t i = 1; i <= kSentinels; ++i) {
    end[-static_cast<i64>(i)] = reinterpret_cast<u64>(underflow);
  }
}

Engine::ShadowStack::~ShadowStack() { ::munmap(memory_, kSize); }

}  // namespace tandem::jit
