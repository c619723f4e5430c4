#include "base/compact_vector.h"

// After our headers: it has a CHECK of its own.
#undef CHECK
#include <doctest/doctest.h>

#include <array>
#include <vector>

namespace tandem {
namespace {

template <typename T>
std::vector<T> Contents(const CompactVector<T>& values) {
  return {values.begin(), values.end()};
}

TEST_CASE("compact vector: grows, also by its own elements, and shrinks") {
  CompactVector<u64> values;
  CHECK(values.empty());
  values.push_back(1);
  for (int i = 0; i < 4; ++i) {
    values.push_back(values[0]);
  }
  values.back() = 5;
  values.shrink_to_fit();
  CHECK_EQ(Contents(values), std::vector<u64>{1, 1, 1, 1, 5});
  values.erase_if([](u64 value) { return value == 1; });
  values.shrink_to_fit();
  CHECK_EQ(Contents(values), std::vector<u64>{5});
  values.clear();
  values.shrink_to_fit();
  CHECK(values.empty());
}

TEST_CASE("compact vector: what is moved from is empty") {
  CompactVector<u16> first;
  first.assign(std::array<u16, 3>{7, 8, 9});
  CompactVector<u16> second(std::move(first));
  CHECK_EQ(Contents(second), std::vector<u16>{7, 8, 9});
  CHECK(first.empty());
  first = std::move(second);
  CHECK_EQ(first.size(), 3);
}

}  // namespace
}  // namespace tandem
