// A chain of dependent loads, one a cache line, over 1 MiB. One iteration follows 1000 links.
#include "bench.h"

enum { kLines = (1 << 20) / 64 };

struct Line {
  struct Line* next;
  u64 number;
  u8 rest[48];
};

static struct Line lines[kLines] __attribute__((aligned(4096)));

// All lines in one circle, in random order.
static void Link(void) {
  static u32 order[kLines];
  u32 seed = 1234;
  for (u32 i = 0; i < kLines; ++i) {
    order[i] = i;
  }
  for (u32 i = kLines - 1; i > 0; --i) {
    const u32 other = NextRandom(&seed) % (i + 1);
    const u32 kept = order[i];
    order[i] = order[other];
    order[other] = kept;
  }
  for (u32 i = 0; i < kLines; ++i) {
    lines[order[i]].next = &lines[order[(i + 1) % kLines]];
    lines[order[i]].number = order[i];
  }
}

u64 RunLoads(u64 iterations) {
  if (lines[0].next == NULL) {
    Link();
  }
  u64 hash = 0;
  const struct Line* line = &lines[0];
  for (u64 i = 0; i < iterations; ++i) {
    for (int j = 0; j < 1000; ++j) {
      line = line->next;
    }
    hash = Mix(hash, line->number);
  }
  return hash;
}
