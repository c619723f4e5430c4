// The integer mix on two processors at once. The iterations of both are counted.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>

#include "bench.h"

struct Share {
  int processor;
  u64 iterations;
  u64 hash;
};

static void* RunShare(void* argument) {
  struct Share* share = argument;
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET(share->processor, &here);
  if (sched_setaffinity(0, sizeof(here), &here) != 0) {
    Fail("two processors are needed");
  }
  share->hash = RunMix(share->iterations);
  return NULL;
}

u64 RunMix2(u64 iterations) {
  struct Share shares[2] = {{0, iterations / 2, 0}, {1, iterations - iterations / 2, 0}};
  pthread_t threads[2];
  for (int i = 0; i < 2; ++i) {
    if (pthread_create(&threads[i], NULL, RunShare, &shares[i]) != 0) {
      Fail("pthread_create");
    }
  }
  for (int i = 0; i < 2; ++i) {
    pthread_join(threads[i], NULL);
  }
  return Mix(Mix(1, shares[0].hash), shares[1].hash);
}
