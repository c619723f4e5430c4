#include "cpu/mmu/region_set.h"

#include <doctest/doctest.h>

namespace tandem::cpu {

TEST_CASE("region set: what was added is held until it is removed") {
  RegionSet<4> set;
  CHECK_FALSE(set.MayHold(7));
  set.Add(7, 20);
  set.Add(7, 10);
  CHECK(set.MayHold(7));
  const auto pages = set.Take(7);
  CHECK_EQ(pages.first, 10);
  CHECK_EQ(pages.last, 20);
  CHECK_FALSE(set.MayHold(7));
}

TEST_CASE("region set: of more regions than it has places none is lost") {
  RegionSet<4> set;
  for (u64 region = 0; region < 100; ++region) {
    set.Add(region, 5);
  }
  const auto pages = set.Take(3);
  CHECK(pages.first <= 5);
  CHECK(pages.last >= 5);
  for (u64 region = 0; region < 100; ++region) {
    CHECK((region == 3 || set.MayHold(region)));
  }
  set.Clear();
  CHECK_FALSE(set.MayHold(5));
}

}  // namespace tandem::cpu
