#pragma once

#include <array>

#include "base/ints.h"

namespace tandem::cpu {

// Regions of memory by number, in a table of fixed size: MayHold is true for all that were added and
// not removed since, and for some others.
template <unsigned kBits>
class RegionSet {
 public:
  RegionSet() { Clear(); }

  void Clear() { owners_.fill(kNobody); }
  void Add(u64 region) {
    u64& owner = owners_[IndexOf(region)];
    owner = owner == kNobody || owner == region ? region : kSeveral;
  }
  void Remove(u64 region) {
    u64& owner = owners_[IndexOf(region)];
    owner = owner == region ? kNobody : owner;
  }
  bool MayHold(u64 region) const {
    const u64 owner = owners_[IndexOf(region)];
    return owner == region || owner == kSeveral;
  }

 private:
  static constexpr u64 kNobody = ~u64{0};
  static constexpr u64 kSeveral = ~u64{0} - 1;

  static u64 IndexOf(u64 region) { return (region * 0x9e3779b97f4a7c15) >> (64 - kBits); }

  std::array<u64, 1u << kBits> owners_;
};

}  // namespace tandem::cpu
