// litmus SECONDS: all tests in turn, for so long; exit status 1 for a result that x86 forbids.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "litmus.h"

enum { kAtomicRounds = 20000 };

static struct Row rows[kRows];
static pthread_barrier_t gate;
static int processors;

// What the threads are to do; the first thread changes it while the others wait.
static const struct Litmus* litmus;
static const struct Atomicity* atomicity;
static volatile int is_over;
static volatile u32 arrived[kMaxThreads * 16];  // a line each

// Waits until the others are at the same row, where each has a processor of its own.
static void Meet(int thread, u32 row) {
  arrived[thread * 16] = row + 1;
  if (litmus->threads > processors) {
    return;
  }
  for (int other = 0; other < litmus->threads; ++other) {
    for (u32 spins = 0; arrived[other * 16] <= row && spins < 100000; ++spins) {
    }
  }
}

static void RunPart(int thread) {
  if (atomicity != NULL) {
    if (thread < processors) {
      atomicity->run(thread, kAtomicRounds);
    }
  } else if (thread < litmus->threads) {
    for (u32 i = 0; i < kRows; ++i) {
      Meet(thread, i);
      litmus->run[thread](&rows[i]);
    }
  }
}

static void StayOn(int processor) {
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET(processor, &here);
  if (sched_setaffinity(0, sizeof(here), &here) != 0) {
    perror("sched_setaffinity");
    exit(2);
  }
}

static void* Follow(void* argument) {
  const int thread = (int)(intptr_t)argument;
  StayOn(thread % processors);
  for (;;) {
    pthread_barrier_wait(&gate);
    if (is_over) {
      return NULL;
    }
    RunPart(thread);
    pthread_barrier_wait(&gate);
  }
}

static void RunAll(void) {
  pthread_barrier_wait(&gate);
  RunPart(0);
  pthread_barrier_wait(&gate);
}

static u64 counts[16][3];

// The number of forbidden results.
static u64 RunLitmus(int index) {
  u64 forbidden = 0;
  litmus = &kLitmusTests[index];
  memset(rows, 0, sizeof(rows));
  memset((void*)arrived, 0, sizeof(arrived));
  RunAll();
  for (int i = 0; i < kRows; ++i) {
    const enum Verdict verdict = litmus->judge(&rows[i]);
    ++counts[index][verdict];
    forbidden += verdict == kForbidden;
  }
  return forbidden;
}

static u64 RunAtomicity(const struct Atomicity* test) {
  const int threads = processors < kMaxThreads ? processors : kMaxThreads;
  atomicity = test;
  test->reset();
  RunAll();
  const char* const wrong = test->judge(threads, kAtomicRounds);
  atomicity = NULL;
  if (wrong != NULL) {
    printf("litmus: %s: %s\n", test->name, wrong);
  }
  return wrong != NULL;
}

static u64 RunOnce(void) {
  u64 bad = 0;
  for (int i = 0; kLitmusTests[i].name != NULL; ++i) {
    bad += RunLitmus(i);
  }
  for (int i = 0; kAtomicityTests[i].name != NULL; ++i) {
    bad += RunAtomicity(&kAtomicityTests[i]);
  }
  return bad;
}

static void Report(u64 rounds, u64 bad) {
  for (int i = 0; kLitmusTests[i].name != NULL; ++i) {
    printf("litmus: %-10s %d threads: %llu runs, %llu relaxed, %llu forbidden\n",
           kLitmusTests[i].name, kLitmusTests[i].threads,
           (unsigned long long)(rounds * kRows), (unsigned long long)counts[i][kRelaxed],
           (unsigned long long)counts[i][kForbidden]);
  }
  for (int i = 0; kAtomicityTests[i].name != NULL; ++i) {
    printf("litmus: %s: %llu operations of each processor\n", kAtomicityTests[i].name,
           (unsigned long long)(rounds * kAtomicRounds));
  }
  printf("litmus: %d processors, %llu rounds, %s\n", processors, (unsigned long long)rounds,
         bad == 0 ? "nothing forbidden" : "FORBIDDEN results");
}

int main(int argc, char** argv) {
  const time_t seconds = argc > 1 ? atol(argv[1]) : 0;
  if (argc != 2 || seconds <= 0) {
    fprintf(stderr, "usage: litmus SECONDS\n");
    return 2;
  }
  processors = sysconf(_SC_NPROCESSORS_ONLN);
  StayOn(0);
  pthread_barrier_init(&gate, NULL, kMaxThreads);
  pthread_t threads[kMaxThreads];
  for (int i = 1; i < kMaxThreads; ++i) {
    pthread_create(&threads[i], NULL, Follow, (void*)(intptr_t)i);
  }
  u64 rounds = 0, bad = 0;
  for (const time_t end = time(NULL) + seconds; time(NULL) < end && bad == 0; ++rounds) {
    bad += RunOnce();
  }
  is_over = 1;
  pthread_barrier_wait(&gate);
  for (int i = 1; i < kMaxThreads; ++i) {
    pthread_join(threads[i], NULL);
  }
  Report(rounds, bad);
  return bad != 0;
}
