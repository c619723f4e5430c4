#pragma once

#include <array>
#include <bit>

#include "base/ints.h"

namespace tandem::devices {

// 256 bits, one a vector: IRR, ISR and TMR.
class VectorSet {
 public:
  bool Has(u8 vector) const { return ((words_[vector / 32] >> (vector % 32)) & 1) != 0; }
  void Set(u8 vector, bool on) {
    const u32 bit = 1u << (vector % 32);
    u32& word = words_[vector / 32];
    word = on ? word | bit : word & ~bit;
  }
  // The highest member, or -1.
  int Highest() const {
    for (int i = 7; i >= 0; --i) {
      if (words_[static_cast<size_t>(i)] != 0) {
        return 32 * i + 31 - std::countl_zero(words_[static_cast<size_t>(i)]);
      }
    }
    return -1;
  }
  u32 Word(u32 index) const { return words_[index]; }
  void SetWord(u32 index, u32 vectors) { words_[index] = vectors; }

 private:
  std::array<u32, 8> words_{};
};

}  // namespace tandem::devices
