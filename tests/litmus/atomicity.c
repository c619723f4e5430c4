// Locked instructions, and plain accesses that are atomic. SDM Vol. 3, 9.1.
#include "litmus.h"

#include <stddef.h>
#include <string.h>

// Two pages: locked accesses lie in one line, across two lines, and across the pages.
static _Alignas(4096) unsigned char memory[2 * 4096];

static u64* At(size_t offset) { return (u64*)(memory + offset); }
static void Clear(void) { memset(memory, 0, sizeof(memory)); }

enum { kAligned = 0, kAcrossLines = 60, kAcrossPages = 4092 };

#define LOCKED_ADD(name, offset)                                                          \
  static void name(int thread, u32 rounds) {                                              \
    (void)thread;                                                                         \
    for (u32 i = 0; i < rounds; ++i) {                                                    \
      __asm__ volatile("lock addq $1, %0" : "+m"(*At(offset))::"memory", "cc");           \
    }                                                                                     \
  }                                                                                       \
  static const char* name##Judge(int threads, u32 rounds) {                               \
    return *At(offset) == (u64)threads * rounds ? NULL : "an increment was lost";         \
  }

LOCKED_ADD(AddAligned, kAligned)
LOCKED_ADD(AddAcrossLines, kAcrossLines)
LOCKED_ADD(AddAcrossPages, kAcrossPages)

// Each sum that XADD returns is seen once: so their sum is known.
static u64 sums[kMaxThreads];
static void Xadd(int thread, u32 rounds) {
  u64 sum = 0;
  for (u32 i = 0; i < rounds; ++i) {
    u64 value = 1;
    __asm__ volatile("lock xaddq %0, %1" : "+r"(value), "+m"(*At(128))::"memory", "cc");
    sum += value;
  }
  sums[thread] = sum;
}
static const char* XaddJudge(int threads, u32 rounds) {
  const u64 n = (u64)threads * rounds;
  u64 sum = 0;
  for (int i = 0; i < threads; ++i) {
    sum += sums[i];
  }
  return *At(128) == n && sum == n * (n - 1) / 2 ? NULL : "XADD returned a value twice";
}

static void Cmpxchg(int thread, u32 rounds) {
  (void)thread;
  for (u32 i = 0; i < rounds; ++i) {
    u64 old = *(volatile u64*)At(192);
    while (!__atomic_compare_exchange_n(At(192), &old, old + 1, 0, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
    }
  }
}
static const char* CmpxchgJudge(int threads, u32 rounds) {
  return *At(192) == (u64)threads * rounds ? NULL : "an exchange was lost";
}

// Both halves of sixteen bytes change together.
static u32 torn[kMaxThreads];
static int Cmpxchg16b(u64* at, u64 old[2], u64 low, u64 high) {
  unsigned char done;
  __asm__ volatile("lock cmpxchg16b %1; setz %0"
                   : "=q"(done), "+m"(*(__uint128_t*)at), "+a"(old[0]), "+d"(old[1])
                   : "b"(low), "c"(high)
                   : "memory", "cc");
  return done;
}
static void Pairs(int thread, u32 rounds) {
  u64 old[2] = {0, 0};
  torn[thread] = 0;
  for (u32 i = 0; i < rounds; ++i) {
    do {
      torn[thread] += old[1] != 3 * old[0];
    } while (!Cmpxchg16b(At(256), old, old[0] + 1, 3 * (old[0] + 1)));
  }
}
static const char* PairsJudge(int threads, u32 rounds) {
  u32 bad = 0;
  for (int i = 0; i < threads; ++i) {
    bad += torn[i];
  }
  return bad == 0 && *At(256) == (u64)threads * rounds ? NULL : "CMPXCHG16B is not atomic";
}

// A lock made of XCHG keeps plain increments apart.
static void SpinLock(int thread, u32 rounds) {
  (void)thread;
  for (u32 i = 0; i < rounds; ++i) {
    while (__atomic_exchange_n((u32*)At(320), 1, __ATOMIC_ACQUIRE) != 0) {
      while (*(volatile u32*)At(320) != 0) {
        __builtin_ia32_pause();
      }
    }
    ++*(volatile u64*)At(384);
    *(volatile u32*)At(320) = 0;
  }
}
static const char* SpinLockJudge(int threads, u32 rounds) {
  return *At(384) == (u64)threads * rounds ? NULL : "two were in the lock at once";
}

// The first thread stores zeros and ones by turns; nobody sees a mixture. The access within a line is
// atomic though it is misaligned (P6 and later).
#define PLAIN(name, type, offset)                                                  \
  static void name(int thread, u32 rounds) {                                       \
    volatile type* const at = (volatile type*)(memory + (offset));                 \
    torn[thread] = 0;                                                              \
    for (u32 i = 0; i < rounds; ++i) {                                             \
      if (thread == 0) {                                                           \
        *at = (type)(i % 2 == 0 ? 0 : ~(type)0);                                   \
      } else {                                                                     \
        const type value = *at;                                                    \
        torn[thread] += value != 0 && value != (type) ~(type)0;                    \
      }                                                                            \
    }                                                                              \
  }
PLAIN(Plain8, u64, 448)
PLAIN(Plain4InLine, u32, 513)
PLAIN(Plain8InLine, u64, 577)

static const char* PlainJudge(int threads, u32 rounds) {
  (void)rounds;
  u32 bad = 0;
  for (int i = 1; i < threads; ++i) {
    bad += torn[i];
  }
  return bad == 0 ? NULL : "a plain access was seen in parts";
}

const struct Atomicity kAtomicityTests[] = {
    {"lock add", Clear, AddAligned, AddAlignedJudge},
    {"lock add across lines", Clear, AddAcrossLines, AddAcrossLinesJudge},
    {"lock add across pages", Clear, AddAcrossPages, AddAcrossPagesJudge},
    {"lock xadd", Clear, Xadd, XaddJudge},
    {"lock cmpxchg", Clear, Cmpxchg, CmpxchgJudge},
    {"lock cmpxchg16b", Clear, Pairs, PairsJudge},
    {"xchg lock", Clear, SpinLock, SpinLockJudge},
    {"plain 8 bytes", Clear, Plain8, PlainJudge},
    {"plain 4 bytes in a line", Clear, Plain4InLine, PlainJudge},
    {"plain 8 bytes in a line", Clear, Plain8InLine, PlainJudge},
    {NULL, NULL, NULL, NULL},
};
