#pragma once

#include <cstring>
#include <optional>
#include <type_traits>

#include "base/ints.h"

namespace tandem {

// Bits [low, low + count) of value, moved down to bit 0. count is 1..63.
constexpr u64 BitsOf(u64 value, unsigned low, unsigned count) {
  return (value >> low) & ((u64{1} << count) - 1);
}

constexpr bool Bit(u64 value, unsigned index) { return ((value >> index) & 1) != 0; }

constexpr u64 WithBit(u64 value, unsigned index, bool on) {
  return on ? value | (u64{1} << index) : value & ~(u64{1} << index);
}

// Ones from bit first to bit last, both included.
constexpr u64 BitSpan(unsigned first, unsigned last) {
  return (~u64{0} << first) & (~u64{0} >> (63 - last));
}

// alignment must be a power of two.
constexpr u64 AlignDown(u64 value, u64 alignment) { return value & ~(alignment - 1); }
constexpr u64 AlignUp(u64 value, u64 alignment) {
  return AlignDown(value + alignment - 1, alignment);
}

// a + b, or nothing where the sum does not fit 64 bits.
constexpr std::optional<u64> CheckedAdd(u64 a, u64 b) {
  u64 sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) {
    return std::nullopt;
  }
  return sum;
}

// a * b, or nothing where the product does not fit 64 bits.
constexpr std::optional<u64> CheckedMul(u64 a, u64 b) {
  u64 product = 0;
  if (__builtin_mul_overflow(a, b, &product)) {
    return std::nullopt;
  }
  return product;
}

// Little-endian load and store of a plain value at any alignment.
template <typename T>
T LoadLe(const void* from) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

template <typename T>
void StoreLe(void* to, T value) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(to, &value, sizeof(value));
}

}  // namespace tandem
