#include "jit/code/block_table.h"

#include <map>
#include <memory>
#include <random>

// After our headers: it has a CHECK of its own.
#undef CHECK
#include <doctest/doctest.h>

namespace tandem::jit {
namespace {

TEST_CASE("block table: what was put in and not taken out is found, and nothing else") {
  BlockTable table;
  std::map<u64, std::unique_ptr<Block>> present;
  std::mt19937_64 random(11);
  for (int i = 0; i < 20000; ++i) {
    const u64 address = random() % 3000 * 16;
    auto block = std::make_unique<Block>();
    block->key = {address, 5};
    if (const auto it = present.find(address); it != present.end() && random() % 2 == 0) {
      table.Erase(*it->second);
      present.erase(it);
    } else {
      table.Insert(*block);
      present[address] = std::move(block);
    }
    const u64 probe = random() % 3000 * 16;
    const auto expected = present.find(probe);
    REQUIRE(table.Find({probe, 5}) ==
            (expected == present.end() ? nullptr : expected->second.get()));
    REQUIRE(table.Find({probe, 6}) == nullptr);
  }
}

TEST_CASE("block table: a block whose place another one has taken is not what is erased") {
  BlockTable table;
  Block first, second;
  first.key = second.key = {0x1000, 1};
  table.Insert(first);
  table.Insert(second);
  table.Erase(first);
  CHECK(table.Find({0x1000, 1}) == &second);
  table.Erase(second);
  CHECK(table.Find({0x1000, 1}) == nullptr);
}

}  // namespace
}  // namespace tandem::jit
