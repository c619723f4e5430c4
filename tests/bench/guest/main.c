// bench [--ms N] NAME...: measures each named work for about N ms of wall time. Prints one line
// each, "NAME ITERATIONS-PER-SECOND CHECKSUM", and the guest's clock before and after all.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

struct Work {
  const char* name;
  RunFunction* run;
  u64 check_iterations;  // of the run that the checksum is taken from
  bool waits;            // for other threads: has no processor time of its own
};

static const struct Work kWorks[] = {
    {"mix", RunMix, 3, false},
    {"nbody", RunNbody, 1000, false},
    {"sha256", RunSha256, 3, false},
    {"qsort", RunQsort, 3, false},
    {"loads", RunLoads, 20, false},
    {"memory", RunMemory, 3, false},
    {"matrix", RunMatrix, 2, false},
    {"x87", RunX87, 20, false},
    {"fib", RunFib, 3, false},
    {"calls", RunCalls, 20, false},
    {"lz", RunLz, 2, false},
    {"tree", RunTree, 2, false},
    {"interpreter", RunInterpreter, 3, false},
    {"syscall", RunSyscall, 1000, false},
    {"fault", RunFault, 1500, false},
    {"fork", RunFork, 5, true},
    {"pipe", RunPipe, 300, true},
    {"rewrite", RunRewrite, 300, false},
    {"mix2", RunMix2, 6, true},
};

void Fail(const char* what) {
  printf("bench failed: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double Now(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

static bool use_cpu_time;

// Linux flushes the whole TLB for so many pages, as other processes of a busy system would make it
// do. Emulators fit the size of their TLBs then; otherwise it would be what earlier work left.
static void FlushTlb(void) {
  const size_t size = 256 * 4096;
  void* pages =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (pages != MAP_FAILED) {
    munmap(pages, size);
  }
}

static double SecondsOf(const struct Work* work, u64 iterations) {
  const clockid_t clock = use_cpu_time && !work->waits ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
  FlushTlb();
  const double start = Now(clock);
  work->run(iterations);
  return Now(clock) - start;
}

// How many iterations take about so many seconds. Also warms up whatever translates the code.
static u64 Calibrate(const struct Work* work, double seconds) {
  u64 iterations = 1;
  double elapsed;
  while ((elapsed = SecondsOf(work, iterations)) < seconds / 5) {
    iterations *= elapsed < seconds / 50 ? 8 : 2;
  }
  const u64 wanted = iterations * (seconds / elapsed);
  return wanted > 0 ? wanted : 1;
}

// The checksum is taken before and after: code may be translated anew when it has become hot.
static void Measure(const struct Work* work, double seconds) {
  const u64 checksum = work->run(work->check_iterations);
  const u64 iterations = Calibrate(work, seconds);
  printf("begin %s\n", work->name);
  fflush(stdout);
  const double elapsed = SecondsOf(work, iterations);
  const u64 checksum_after = work->run(work->check_iterations);
  if (checksum_after != checksum) {
    printf("bench failed: %s: checksum %016lx, after the run %016lx\n", work->name, checksum,
           checksum_after);
    exit(1);
  }
  printf("%s %.6g %016lx\n", work->name, iterations / elapsed, checksum);
}

enum { kLimitSeconds = 60 };

// In a process of its own: a crash costs one row, and so does a work that never ends.
static void MeasureApart(const struct Work* work, double seconds) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    alarm(kLimitSeconds);
    Measure(work, seconds);
    exit(0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
    printf("bench failed: %s: status %#x\n", work->name, status);
  }
}

static const struct Work* FindWork(const char* name) {
  for (size_t i = 0; i < sizeof(kWorks) / sizeof(kWorks[0]); ++i) {
    if (strcmp(kWorks[i].name, name) == 0) {
      return &kWorks[i];
    }
  }
  return NULL;
}

static void PrintClock(void) {
  printf("clock %.6f\n", Now(CLOCK_MONOTONIC));
  fflush(stdout);
}

// Returns the index of the first argument that is no option.
static int ReadOptions(int argc, char** argv, double* seconds) {
  int next = 1;
  for (; next < argc && argv[next][0] == '-'; ++next) {
    if (strcmp(argv[next], "--cpu-time") == 0) {
      use_cpu_time = true;
    } else if (strcmp(argv[next], "--ms") == 0 && next + 1 < argc) {
      *seconds = atof(argv[++next]) / 1000;
    }
  }
  return next;
}

int main(int argc, char** argv) {
  double seconds = 0.5;
  const int first = ReadOptions(argc, argv, &seconds);
  PrintClock();
  for (int i = first; i < argc; ++i) {
    const struct Work* work = FindWork(argv[i]);
    if (work != NULL) {
      MeasureApart(work, seconds);
    } else {
      printf("bench failed: there is no '%s'\n", argv[i]);
    }
  }
  PrintClock();
  return 0;
}
