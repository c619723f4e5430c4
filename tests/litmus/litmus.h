// Litmus tests of the x86 memory model: small programs of some threads, run side by side many times, and
// what must never come out. SDM Vol. 3, 9.2.3; names as in the literature on x86-TSO (Owens, Sarkar,
// Sewell: A better x86 memory model, 2009).
#pragma once

#include <stdint.h>

typedef uint64_t u64;
typedef uint32_t u32;

enum { kMaxThreads = 4, kRows = 2048 };

// Memory of one run: each variable in a cache line of its own.
struct Row {
  _Alignas(64) volatile u64 x;
  _Alignas(64) volatile u64 y;
  _Alignas(64) volatile u64 seen[kMaxThreads][2];
};

enum Verdict { kOrdinary, kRelaxed, kForbidden };  // relaxed: not sequential, but x86 allows it

struct Litmus {
  const char* name;
  int threads;
  void (*run[kMaxThreads])(struct Row* row);
  enum Verdict (*judge)(const struct Row* row);
};

// The tests of two variables, ended by one without a name.
extern const struct Litmus kLitmusTests[];

// Tests of atomicity: all threads run at once for so many rounds; then what is wrong, or NULL.
struct Atomicity {
  const char* name;
  void (*reset)(void);
  void (*run)(int thread, u32 rounds);
  const char* (*judge)(int threads, u32 rounds);
};

extern const struct Atomicity kAtomicityTests[];
