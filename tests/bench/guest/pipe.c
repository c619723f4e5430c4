// Two processes on one processor that send a byte to and fro. One iteration is a round trip.
#define _GNU_SOURCE
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

// The guest has one processor; the host's two would measure how fast an idle one wakes.
static void StayHere(void) {
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET(sched_getcpu(), &here);
  if (sched_setaffinity(0, sizeof(here), &here) != 0) {
    Fail("sched_setaffinity");
  }
}

_Noreturn static void Echo(int from, int to) {
  u8 byte;
  while (read(from, &byte, 1) == 1) {
    ++byte;
    if (write(to, &byte, 1) != 1) {
      break;
    }
  }
  _exit(0);
}

static u64 PingPong(int from, int to, u64 iterations) {
  u64 hash = 0;
  for (u64 i = 0; i < iterations; ++i) {
    u8 byte = (u8)i;
    if (write(to, &byte, 1) != 1 || read(from, &byte, 1) != 1) {
      Fail("pipe");
    }
    hash = Mix(hash, byte);
  }
  return hash;
}

u64 RunPipe(u64 iterations) {
  int there[2], back[2];
  StayHere();
  if (pipe(there) != 0 || pipe(back) != 0) {
    Fail("pipe");
  }
  const pid_t child = fork();
  if (child < 0) {
    Fail("fork");
  }
  if (child == 0) {
    close(there[1]);
    Echo(there[0], back[1]);
  }
  close(there[0]);
  close(back[1]);
  const u64 hash = PingPong(back[0], there[1], iterations);
  close(there[1]);
  close(back[0]);
  waitpid(child, NULL, 0);
  return hash;
}
