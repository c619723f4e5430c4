#include "jit/analysis/access_plan.h"

#include "jit/analysis/known_bounds.h"
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

TEST_CASE("an index that is known to be small stays within the check of its base register") {
  CodeBytes code;
  code.Put(0x40, {0x8b, 0x50, 0x10,        // 0: mov edx, [rax+16]
                  0x31, 0xc9,              // 1: xor ecx, ecx
                  0x39, 0xda,              // 2: cmp edx, ebx
                  0x0f, 0x92, 0xc1,        // 3: setb cl
                  0x48, 0x8b, 0x34, 0xc8,  // 4: mov rsi, [rax+rcx*8]
                  0x0f, 0xb6, 0xca,        // 5: movzx ecx, dl
                  0x48, 0x8b, 0x34, 0xc8,  // 6: mov rsi, [rax+rcx*8]
                  0xf4});
  const auto plans = PlanAccesses(ReadUnit(LongMode(), MaxModel(), code, 0x40));
  CHECK_EQ(plans[4].memory.leader, &plans[0].memory);
  CHECK_EQ(plans[0].memory.check_offset, 0);
  CHECK_EQ(plans[0].memory.check_size, 20);
  CHECK(plans[6].memory.leader == nullptr);  // too far
}

std::optional<u8> BoundOfRcx(std::initializer_list<int> bytes) {
  CodeBytes code;
  code.Put(0x40, bytes);
  KnownBounds bounds;
  for (const UnitInst& inst : ReadUnit(LongMode(), MaxModel(), code, 0x40, bytes.size()).insts) {
    if (inst.offset < 0x40 + static_cast<i32>(bytes.size())) {
      bounds.Note(inst);
    }
  }
  return bounds.Of(cpu::kRcx);
}

TEST_CASE("bounds of registers") {
  CHECK_EQ(BoundOfRcx({0x31, 0xc9}), 0);                               // xor ecx, ecx
  CHECK_EQ(BoundOfRcx({0x0f, 0x92, 0xc1}), std::nullopt);              // setb cl
  CHECK_EQ(BoundOfRcx({0x31, 0xc9, 0x0f, 0x92, 0xc1}), 1);             // xor ecx, ecx; setb cl
  CHECK_EQ(BoundOfRcx({0x31, 0xc9, 0x0f, 0x92, 0xc5}), std::nullopt);  // xor ecx, ecx; setb ch
  CHECK_EQ(BoundOfRcx({0x83, 0xe1, 0x07}), 7);                         // and ecx, 7
  CHECK_EQ(BoundOfRcx({0x83, 0xe1, 0xf8}), std::nullopt);              // and ecx, -8
  CHECK_EQ(BoundOfRcx({0x80, 0xe1, 0x07}), std::nullopt);              // and cl, 7
  CHECK_EQ(BoundOfRcx({0x0f, 0xb6, 0xc8}), 255);                       // movzx ecx, al
  CHECK_EQ(BoundOfRcx({0x0f, 0xb7, 0xc8}), std::nullopt);              // movzx ecx, ax
  CHECK_EQ(BoundOfRcx({0x31, 0xc9, 0x48, 0xff, 0xc1}), std::nullopt);  // xor ecx, ecx; inc rcx
  CHECK_EQ(BoundOfRcx({0x31, 0xc9, 0x48, 0xff, 0xc0}), 0);             // xor ecx, ecx; inc rax
}

}  // namespace
}  // namespace tandem::jit
