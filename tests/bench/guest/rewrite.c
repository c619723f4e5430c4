// Self-modifying code: one iteration rewrites a function and calls it.
#include <sys/mman.h>

#include "bench.h"

typedef u32 Function(void);

static u8* MapCode(void) {
  static u8* code;
  if (code == NULL) {
    code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) {
      Fail("mmap");
    }
  }
  return code;
}

// mov eax, value; ret
static void Write(u8* code, u32 value) {
  code[0] = 0xb8;
  memcpy(code + 1, &value, sizeof(value));
  code[5] = 0xc3;
  __builtin___clear_cache((char*)code, (char*)code + 6);
}

u64 RunRewrite(u64 iterations) {
  u8* code = MapCode();
  u64 hash = 0;
  for (u64 i = 0; i < iterations; ++i) {
    Write(code, (u32)(i * 2654435761u));
    hash = Mix(hash, ((Function*)code)());
  }
  return hash;
}
