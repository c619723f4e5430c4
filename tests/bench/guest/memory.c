// The C library's memset and memcpy. One iteration does each once over 1 MiB.
#include "bench.h"

enum { kSize = 1 << 20 };

static u8 source[kSize] __attribute__((aligned(4096)));
static u8 target[kSize] __attribute__((aligned(4096)));

u64 RunMemory(u64 iterations) {
  u32 seed = 77;
  u64 hash = 0;
  for (u64 i = 0; i < iterations; ++i) {
    const u32 place = NextRandom(&seed) % kSize;
    memset(source, (u8)i, kSize);
    source[place] ^= 0xff;
    memcpy(target, source, kSize);
    hash = Mix(hash, target[place] << 8 | target[place ^ 1]);
  }
  return MixBytes(hash, target, iterations < 16 ? kSize : 0);
}
