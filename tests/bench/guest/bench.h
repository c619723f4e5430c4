#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

// Does the work so many times, always from the same start, and returns a number made of all its
// results: equal counts give equal numbers on every machine.
typedef u64 RunFunction(u64 iterations);

// Compute, one file each.
RunFunction RunCalls, RunFib, RunInterpreter, RunLoads, RunLz, RunMatrix, RunMemory, RunMix,
    RunNbody, RunQsort, RunSha256, RunTree, RunX87;

// Operating-system work.
RunFunction RunFault, RunFork, RunMix2, RunPipe, RunRewrite, RunSyscall;

static inline u32 NextRandom(u32* state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

static inline u64 Mix(u64 hash, u64 value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15;
  return hash ^ hash >> 29;
}

static inline u64 MixBytes(u64 hash, const void* bytes, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    hash = Mix(hash, ((const u8*)bytes)[i]);
  }
  return hash;
}

// Ends the process: the driver sees no result, and the reason on the console.
_Noreturn void Fail(const char* what);
