#pragma once

#include <cstddef>

#include "base/ints.h"

// GDB's JIT compilation interface (GDB manual, "JIT Compilation Interface"): names and layouts are its
// own, and a debugger looks for the symbols in the process.
extern "C" {

struct jit_code_entry {
  jit_code_entry* next_entry;
  jit_code_entry* prev_entry;
  const char* symfile_addr;
  tandem::u64 symfile_size;
};

struct jit_descriptor {
  tandem::u32 version;
  tandem::u32 action_flag;  // 1: relevant_entry was registered, 2: is going
  jit_code_entry* relevant_entry;
  jit_code_entry* first_entry;
};

extern jit_descriptor __jit_debug_descriptor;
void __jit_debug_register_code();
}

static_assert(sizeof(jit_code_entry) == 32 && offsetof(jit_code_entry, symfile_addr) == 16 &&
                  sizeof(jit_descriptor) == 24 && offsetof(jit_descriptor, first_entry) == 16,
              "as the manual has them");
