#pragma once

#include <vector>

#include "cpu/decode/decoder.h"

namespace tandem::cpu {

// Decodes as Decode does, but remembers instructions: one that differs from an earlier one in its
// displacement and immediate only is made of that. One thread's.
class DecodeCache {
 public:
  DecodeCache();

  DecodeStatus Decode(DecodeMode mode, std::span<const std::byte> code, Inst& inst);

 private:
  static constexpr size_t kEntries = 4096;

  struct Entry {
    u64 shape = 0;  // 0: none
    ConstantFields constants;
    Inst inst;
  };

  std::vector<Entry> entries_;  // by hash of the shape
};

}  // namespace tandem::cpu
