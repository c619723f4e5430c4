// Product of two 128x128 float matrices, compiled with -O3: packed SSE. One iteration is one
// product.
#include "bench.h"

enum { kSide = 128 };

static float left[kSide][kSide] __attribute__((aligned(64)));
static float right[kSide][kSide] __attribute__((aligned(64)));
static float product[kSide][kSide] __attribute__((aligned(64)));

static void Fill(void) {
  u32 seed = 5;
  for (int i = 0; i < kSide; ++i) {
    for (int j = 0; j < kSide; ++j) {
      left[i][j] = (NextRandom(&seed) % 1000) / 1000.0f;
      right[i][j] = (NextRandom(&seed) % 1000) / 1000.0f;
    }
  }
}

static void Multiply(void) {
  for (int i = 0; i < kSide; ++i) {
    memset(product[i], 0, sizeof(product[i]));
    for (int k = 0; k < kSide; ++k) {
      for (int j = 0; j < kSide; ++j) {
        product[i][j] += left[i][k] * right[k][j];
      }
    }
  }
}

u64 RunMatrix(u64 iterations) {
  u64 hash = 0;
  Fill();
  for (u64 i = 0; i < iterations; ++i) {
    Multiply();
    left[i % kSide][i / kSide % kSide] += 0.5f;
    hash = MixBytes(hash, product[i % kSide], 16);
  }
  return MixBytes(hash, product, sizeof(product));
}
