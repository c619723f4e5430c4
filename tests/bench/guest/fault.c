// Page faults of anonymous memory. One iteration is the first write to one page.
#include <sys/mman.h>

#include "bench.h"

enum { kPages = 1024, kPageSize = 4096 };

static u8* Map(void) {
  u8* pages =
      mmap(NULL, kPages * kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) {
    Fail("mmap");
  }
  madvise(pages, kPages * kPageSize, MADV_NOHUGEPAGE);
  return pages;
}

u64 RunFault(u64 iterations) {
  u64 hash = 0;
  for (u64 done = 0; done < iterations; done += kPages) {
    u8* pages = Map();
    const u64 count = iterations - done < kPages ? iterations - done : kPages;
    for (u64 i = 0; i < count; ++i) {
      pages[i * kPageSize + i % 64] = (u8)i;
    }
    for (u64 i = 0; i < count; i += 64) {
      hash = Mix(hash, pages[i * kPageSize + i % 64]);
    }
    munmap(pages, kPages * kPageSize);
  }
  return hash;
}
