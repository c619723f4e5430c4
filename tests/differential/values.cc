#include "tests/differential/values.h"

#include <bit>

namespace tandem::cpu {
namespace {

constexpr size_t kPoolValues = 1 << 17;

constexpr u64 kOdd[] = {0,
                        1,
                        2,
                        0x7f,
                        0x80,
                        0xff,
                        0x7fff,
                        0x8000,
                        0xffff,
                        0x7fffffff,
                        0x80000000,
                        0xffffffff,
                        0x7fffffffffffffff,
                        0x8000000000000000,
                        ~u64{0}};
constexpr u64 kOddDoubles[] = {0,
                               0x8000000000000000,
                               0x3ff0000000000000,
                               0x7ff0000000000000,
                               0xfff0000000000000,
                               0x7ff8000000000000,
                               0x7ff0000000000001,
                               1,
                               0x000fffffffffffff,
                               0x7fefffffffffffff,
                               0x41dfffffffc00000};
constexpr u32 kOddFloats[] = {0,          0x80000000, 0x3f800000, 0x7f800000,
                              0xff800000, 0x7fc00000, 0x7f800001, 1,
                              0x007fffff, 0x7f7fffff, 0x4f000000};

}  // namespace

// SplitMix64 spreads the seed.
Random::Random(u64 seed) {
  for (u64& word : state_) {
    seed += 0x9e3779b97f4a7c15;
    u64 mixed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    word = mixed ^ (mixed >> 31);
  }
}

u64 Random::operator()() {
  const u64 result = std::rotl(state_[0] + state_[3], 23) + state_[0];
  const u64 moved = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= moved;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

u64 RandomValue(Random& random) {
  switch (random() % 6) {
    case 0:
      return Pick(random, kOdd);
    case 1:
      return Pick(random, kOddDoubles);
    case 2:
      return Pick(random, kOddFloats) | u64{Pick(random, kOddFloats)} << 32;
    case 3:
      return random() % 64;
    case 4:
      return (random() & 0x800fffffffffffff) | ((0x3f0 + random() % 32) << 52);
    default:
      return random();
  }
}

ValuePool::ValuePool(u64 seed) : values_(kPoolValues) {
  Random random(seed);
  for (u64& value : values_) {
    value = RandomValue(random);
  }
}

void ValuePool::Fill(Random& random, void* to, size_t size) const {
  const size_t count = (size + 7) / 8;
  std::memcpy(to, &values_[random() % (kPoolValues - count)], size);
}

}  // namespace tandem::cpu
