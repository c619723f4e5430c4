#pragma once

#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include "base/ints.h"

namespace tandem::cpu {

// xoshiro256++ by Blackman and Vigna: small, and quick to seed.
class Random {
 public:
  using result_type = u64;

  explicit Random(u64 seed);
  u64 operator()();
  static constexpr u64 min() { return 0; }
  static constexpr u64 max() { return std::numeric_limits<u64>::max(); }

 private:
  u64 state_[4];
};

inline bool OneIn(Random& random, u32 n) { return random() % n == 0; }

template <typename T, size_t kCount>
T Pick(Random& random, const T (&choices)[kCount]) {
  return choices[random() % kCount];
}

// Odd integers and floating-point numbers among random ones.
u64 RandomValue(Random& random);

// A store of such values: a random part of it costs a copy only.
class ValuePool {
 public:
  explicit ValuePool(u64 seed);
  void Fill(Random& random, void* to, size_t size) const;

 private:
  std::vector<u64> values_;
};

}  // namespace tandem::cpu
