#pragma once

#include <array>

#include "base/ints.h"

namespace tandem::jit {

// Which linear pages cached branch targets may lie in: a hashed set that never misses one.
class CodePages {
 public:
  void Add(u64 linear) { words_[Hash(linear) / 64] |= u64{1} << (Hash(linear) % 64); }
  bool MayHold(u64 start, u64 size) const {
    for (u64 at = start; at - start < size; at += kPage) {
      if ((words_[Hash(at) / 64] >> (Hash(at) % 64) & 1) != 0) {
        return true;
      }
    }
    return false;
  }
  void Clear() { words_.fill(0); }

 private:
  static constexpr u64 kPage = 4096;
  static constexpr unsigned kBits = 16;
  static u64 Hash(u64 linear) { return linear / kPage * 0x9e3779b97f4a7c15 >> (64 - kBits); }

  std::array<u64, (1u << kBits) / 64> words_{};
};

}  // namespace tandem::jit
