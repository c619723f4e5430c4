#pragma once

#include "base/ints.h"

namespace tandem::jit {

// What translated code depends on besides the guest's bytes.
struct UnitMode {
  u8 code_bits = 64;         // 16, 32 or 64
  u8 stack_bits = 64;        // address size of implicit stack accesses
  u8 bank = 0;               // cpu::TlbBankIndex of data accesses
  u8 based_segments = 0;     // bit SegReg: the base may differ from zero
  u8 limited_segments = 0;   // accesses are compared with the limit
  u8 strange_segments = 0;   // accesses are left to the interpreter
  bool is_real = false;      // real-address or virtual-8086 mode
  bool is_user = false;      // CPL 3
  bool is_kernel = false;    // CPL 0, not virtual-8086
  bool x87_loaded = false;   // guest x87 state is in the host's unit
  bool vec_loaded = false;   // guest vector state is in the host's registers
  bool x87_usable = false;   // no #NM or #UD
  bool sse_usable = false;
  bool avx_usable = false;
  bool avx512_usable = false;
  bool ungrouped = false;    // every access is checked on its own
  bool precise_flags = false;  // arithmetic flags are right wherever the guest may be looked at

  bool operator==(const UnitMode&) const = default;

  u64 Key() const {
    u64 key = 0;
    unsigned at = 0;
    const auto add = [&](u64 value, unsigned bits) {
      key |= value << at;
      at += bits;
    };
    add(code_bits / 16, 3);
    add(stack_bits / 16, 3);
    add(bank, 2);
    add(based_segments, 6);
    add(limited_segments, 6);
    add(strange_segments, 6);
    for (const bool flag : {is_real, is_user, is_kernel, x87_loaded, vec_loaded, x87_usable,
                            sse_usable, avx_usable, avx512_usable, ungrouped, precise_flags}) {
      add(flag, 1);
    }
    return key;
  }
};

}  // namespace tandem::jit
