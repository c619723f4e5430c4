#pragma once

#include <compare>

#include "base/ints.h"

namespace tandem {

// A guest-physical address, in bytes; in the port space a port number.
struct Gpa {
  u64 value = 0;

  constexpr Gpa() = default;
  constexpr explicit Gpa(u64 address) : value(address) {}
  constexpr auto operator<=>(const Gpa&) const = default;
  constexpr Gpa operator+(u64 bytes) const { return Gpa(value + bytes); }
  constexpr u64 operator-(Gpa other) const { return value - other.value; }
};

// A guest-linear ("virtual") address: after segmentation, before paging.
struct Gva {
  u64 value = 0;

  constexpr Gva() = default;
  constexpr explicit Gva(u64 address) : value(address) {}
  constexpr auto operator<=>(const Gva&) const = default;
  constexpr Gva operator+(u64 bytes) const { return Gva(value + bytes); }
};

inline constexpr u64 kPageSize = 4096;

}  // namespace tandem
