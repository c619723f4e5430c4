// The C library's qsort with a callback. One iteration sorts 1024 numbers.
#include <stdlib.h>

#include "bench.h"

enum { kCount = 1024 };

static int Compare(const void* left, const void* right) {
  const u32 a = *(const u32*)left, b = *(const u32*)right;
  return (a > b) - (a < b);
}

u64 RunQsort(u64 iterations) {
  static u32 numbers[kCount];
  u32 seed = 99;
  u64 hash = 0;
  for (u64 i = 0; i < iterations; ++i) {
    for (int j = 0; j < kCount; ++j) {
      numbers[j] = NextRandom(&seed);
    }
    qsort(numbers, kCount, sizeof(u32), Compare);
    for (int j = 0; j < kCount; j += 64) {
      hash = Mix(hash, numbers[j]);
    }
  }
  return hash;
}
