#include "cpu/mmu/region_set.h"

#include <doctest/doctest.h>

namespace tandem::cpu {

TEST_CASE("region set: what was added is held until it is removed") {
  RegionSet<4> set;
  CHECK_FALSE(set.MayHold(7));
  set.Add(7);
  set.Add(7);
  CHECK(set.MayHold(7));
  set.Remove(7);
  CHECK_FALSE(set.MayHold(7));
}

TEST_CASE("region set: of more regions than it has places none is lost") {
  RegionSet<4> set;
  for (u64 region = 0; region < 100; ++region) {
    set.Add(region);
  }
  set.Remove(3);
  for (u64 region = 0; region < 100; ++region) {
    CHECK((region == 3 || set.MayHold(region)));
  }
  set.Clear();
  CHECK_FALSE(set.MayHold(5));
}

}  // namespace tandem::cpu
