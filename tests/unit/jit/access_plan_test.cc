#include "jit/analysis/access_plan.h"

#include "jit/analysis/only_ways.h"
#include "jit/unit/region.h"
#include "tests/unit/jit/code_bytes.h"

#undef CHECK
#include <doctest/doctest.h>

namespace tandem::jit {
namespace {

// A search in a tree, with its way back by one of two branches.
Unit Search() {
  CodeBytes code;
  code.Put(0x100, {0x48, 0x8b, 0x40, 0x08,  // 0 100: mov rax, [rax+8]
                   0x8b, 0x50, 0x10,        // 1 104: mov edx, [rax+16]
                   0x39, 0xda,              // 2 107: cmp edx, ebx
                   0x72, 0xf5,              // 3 109: jb 100
                   0x48, 0x8b, 0x00,        // 4 10b: mov rax, [rax]
                   0xeb, 0xf4});            // 5 10e: jmp 104
  return ReadRegion(LongMode(), MaxModel(), code, 0x104);
}

TEST_CASE("what a branch leads to alone relies on the checks in front of the branch") {
  const Unit unit = Search();
  REQUIRE_EQ(unit.insts.size(), 6);
  CHECK_EQ(FindOnlyWays(unit), OnlyWays{{0, 3}, {4, 3}});
  const auto plans = PlanAccesses(unit);
  CHECK(plans[1].memory.leader == nullptr);
  CHECK_EQ(plans[0].memory.leader, &plans[1].memory);
  CHECK_EQ(plans[4].memory.leader, &plans[1].memory);
  CHECK_EQ(plans[1].memory.check_offset, 0);
  CHECK_EQ(plans[1].memory.check_size, 20);
}

TEST_CASE("no check reaches beyond a leader where each is told of") {
  const auto plans = PlanAccesses(Search(), GroupReach::kBlock);
  CHECK(plans[0].memory.leader == nullptr);
  CHECK(plans[4].memory.leader == nullptr);
}

TEST_CASE("what the entry leads to does not rely on a check elsewhere") {
  Unit unit = Search();
  unit.entry = 0;
  CHECK_EQ(FindOnlyWays(unit), OnlyWays{{4, 3}});
  CHECK(PlanAccesses(unit)[0].memory.leader == nullptr);
}

TEST_CASE("behind a loop of one block, which may run without checks, there are checks again") {
  CodeBytes code;
  code.Put(0x100, {0x48, 0x8b, 0x03,        // 0 100: mov rax, [rbx]
                   0x48, 0xff, 0xc9,        // 1 103: dec rcx
                   0x75, 0xf8,              // 2 106: jne 100
                   0x48, 0x8b, 0x43, 0x08,  // 3 108: mov rax, [rbx+8]
                   0xeb, 0xf2});            // 4 10c: jmp 100
  const Unit unit = ReadRegion(LongMode(), MaxModel(), code, 0x100);
  REQUIRE_EQ(unit.insts.size(), 5);
  CHECK(FindOnlyWays(unit).empty());
  CHECK(PlanAccesses(unit)[3].memory.leader == nullptr);
}

TEST_CASE("a write behind a branch gets a check of its own, not one that is in front for reading") {
  CodeBytes code;
  code.Put(0x100, {0x48, 0x8b, 0x03,        // 0 100: mov rax, [rbx]
                   0x48, 0xff, 0xc9,        // 1 103: dec rcx
                   0x74, 0x02,              // 2 106: je 10a
                   0xeb, 0xf6,              // 3 108: jmp 100
                   0x48, 0x89, 0x43, 0x08,  // 4 10a: mov [rbx+8], rax
                   0x48, 0x8b, 0x43, 0x10,  // 5 10e: mov rax, [rbx+16]
                   0xeb, 0xec});            // 6 112: jmp 100
  const Unit unit = ReadRegion(LongMode(), MaxModel(), code, 0x100);
  REQUIRE_EQ(unit.insts.size(), 7);
  const auto plans = PlanAccesses(unit);
  CHECK(!plans[0].memory.is_write);
  CHECK(plans[4].memory.leader == nullptr);
  CHECK_EQ(plans[5].memory.leader, &plans[4].memory);
}

}  // namespace
}  // namespace tandem::jit
