// Recursive calls. One iteration is the 20th Fibonacci number, some 22,000 calls.
#include "bench.h"

static __attribute__((noipa)) u32 Fib(u32 n) { return n < 2 ? n : Fib(n - 1) + Fib(n - 2); }

u64 RunFib(u64 iterations) {
  u64 hash = 0;
  for (u64 i = 0; i < iterations; ++i) {
    hash = Mix(hash, Fib(20));
  }
  return hash;
}
