#pragma once

#include <algorithm>
#include <array>

#include "base/ints.h"

namespace tandem::cpu {

// Regions of memory by number, each with the pages in it that were noted, in a table of fixed size:
// what was added and not taken since is held, other regions may seem to be.
template <unsigned kBits>
class RegionSet {
 public:
  // Pages of a region, by number within it.
  struct Pages {
    u32 first = 0, last = ~u32{0};
  };

  RegionSet() { Clear(); }

  void Clear() { places_.fill({}); }
  void Add(u64 region, u32 page) {
    Place& place = PlaceOf(region);
    if (place.owner == kNobody) {
      place = {region, {page, page}};
    } else if (place.owner != region) {
      place = {kSeveral, {}};
    } else {
      place.pages = {std::min(place.pages.first, page), std::max(place.pages.last, page)};
    }
  }
  bool MayHold(u64 region) {
    const u64 owner = PlaceOf(region).owner;
    return owner == region || owner == kSeveral;
  }
  // The pages of a region that may be held; it is not held any more.
  Pages Take(u64 region) {
    Place& place = PlaceOf(region);
    const Pages pages = place.pages;
    if (place.owner == region) {
      place = {};
    }
    return pages;
  }

 private:
  static constexpr u64 kNobody = ~u64{0};
  static constexpr u64 kSeveral = ~u64{0} - 1;

  struct Place {
    u64 owner = kNobody;
    Pages pages;
  };
  Place& PlaceOf(u64 region) { return places_[(region * 0x9e3779b97f4a7c15) >> (64 - kBits)]; }

  std::array<Place, 1u << kBits> places_;
};

}  // namespace tandem::cpu
