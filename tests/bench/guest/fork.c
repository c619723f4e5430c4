// fork, exit of the child, wait for it.
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

u64 RunFork(u64 iterations) {
  u64 hash = 0;
  for (u64 i = 0; i < iterations; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      _exit((int)(i & 0x7f));
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child) {
      Fail("fork");
    }
    hash = Mix(hash, (u64)WEXITSTATUS(status));
  }
  return hash;
}
