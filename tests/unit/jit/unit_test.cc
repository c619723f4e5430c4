#include "jit/analysis/access_plan.h"
#include "jit/analysis/flags.h"
#include "jit/unit/region.h"
#include "tests/unit/jit/code_bytes.h"

#undef CHECK
#include <doctest/doctest.h>

namespace tandem::jit {
namespace {

constexpr u32 kAll = static_cast<u32>(cpu::kArithFlags);

u32 AllNeeded(i64) { return kAll; }

TEST_CASE("a straight unit ends with its jump") {
  CodeBytes code;
  code.Put(0x10, {0x48, 0xff, 0xc0,    // inc rax
                  0x75, 0x02,          // jne +2
                  0xeb, 0xf9,          // jmp -7
                  0x90});
  const Unit unit = ReadUnit(LongMode(), MaxModel(), code, 0x10);
  REQUIRE_EQ(unit.insts.size(), 3);
  CHECK_EQ(unit.insts[1].target(), 0x17);
  CHECK_EQ(unit.insts[2].target(), 0x10);
  CHECK(unit.LeaderAt(0x10) != nullptr);
  CHECK(unit.LeaderAt(0x13) == nullptr);
}

TEST_CASE("an instruction goes on in the next page, if that can be had") {
  CodeBytes code;
  code.Put(0xffe, {0x48, 0x05});  // add rax, imm32
  CHECK(ReadUnit(LongMode(), MaxModel(), code, 0xffe).insts.empty());
  code.Put(0x1000, {1, 0, 0, 0});
  const Unit unit = ReadUnit(LongMode(), MaxModel(), code, 0xffe);
  REQUIRE_EQ(unit.insts.size(), 1);
  CHECK_EQ(unit.insts[0].next(), 0x1004);
  CHECK_EQ(unit.OtherPages(), std::vector<i64>{1});
}

// A loop with a way out of it and a branch inside.
void PutLoop(CodeBytes& code) {
  code.Put(0x100, {0x48, 0x01, 0xd8,     // 100: add rax, rbx
                   0x74, 0x05,           // 103: je 10a
                   0x48, 0xff, 0xc9,     // 105: dec rcx
                   0x74, 0x06,           // 108: je 110, out
                   0x48, 0xff, 0xca,     // 10a: dec rdx
                   0x75, 0xf1,           // 10d: jne 100
                   0x90,                 // 10f
                   0xf4});               // 110
}

TEST_CASE("a region goes on where its indirect jumps were seen to lead") {
  CodeBytes code;
  code.Put(0x100, {0xff, 0xe0,           // 100: jmp rax
                   0x90, 0x90,           // 102
                   0x48, 0xff, 0xc9,     // 104: dec rcx
                   0xff, 0xe0,           // 107: jmp rax
                   0xf4});               // 109: never comes back
  Hints hints;
  hints.targets = {-0x5000, 0x100, 0x104, 0x109};
  const Unit unit =
      ReadRegion(LongMode(), MaxModel(), code, 0x100, RegionKind::kLoop, hints);
  REQUIRE_EQ(unit.insts.size(), 3);
  CHECK(unit.LeaderAt(0x104) != nullptr);
  CHECK_EQ(unit.hints.targets, std::vector<i32>{0x100, 0x104});
  CHECK(ReadRegion(LongMode(), MaxModel(), code, 0x100).insts.empty());
}

TEST_CASE("a region holds what can come back to its entry, and nothing else") {
  CodeBytes code;
  PutLoop(code);
  const Unit unit = ReadRegion(LongMode(), MaxModel(), code, 0x100);
  REQUIRE_EQ(unit.insts.size(), 6);
  CHECK_EQ(unit.start(), 0x100);
  CHECK_EQ(unit.insts.back().offset, 0x10d);
  CHECK(unit.LeaderAt(0x10a) != nullptr);
  CHECK(unit.LeaderAt(0x105) == nullptr);
  CHECK(unit.LeaderAt(0x110) == nullptr);
  CHECK_GT(unit.insts[0].weight, 1);
}

TEST_CASE("an indirect jump beside a loop belongs to it") {
  CodeBytes code;
  code.Put(0x100, {0x48, 0xff, 0xc0,  // 100: inc rax
                   0x77, 0xfb,        // 103: ja 100
                   0xff, 0xe2});      // 105: jmp rdx
  CHECK_EQ(ReadRegion(LongMode(), MaxModel(), code, 0x100).insts.size(), 3);
  CHECK(ReadRegion(LongMode(), MaxModel(), code, 0x105).insts.empty());
}

TEST_CASE("straight code is no region, unless everything is wanted") {
  CodeBytes code;
  code.Put(0x20, {0x48, 0x01, 0xd8, 0xc3});  // add rax, rbx; ret
  CHECK(ReadRegion(LongMode(), MaxModel(), code, 0x20).insts.empty());
  CHECK_EQ(ReadRegion(LongMode(), MaxModel(), code, 0x20, RegionKind::kEverything).insts.size(), 2);
}

TEST_CASE("flags: dead where the next way round overwrites them") {
  CodeBytes code;
  PutLoop(code);
  const Unit unit = ReadRegion(LongMode(), MaxModel(), code, 0x100);
  const auto dead_outside = LiveFlags(unit, [](i64) { return 0u; });
  CHECK_EQ(dead_outside[0].before, 0);                // add overwrites all
  CHECK_NE(dead_outside[0].after, 0);                 // je reads ZF
  CHECK_EQ(dead_outside[3].before, cpu::kFlagZf);     // je, out
  const auto live_outside = LiveFlags(unit, AllNeeded);
  CHECK_EQ(live_outside[3].before, kAll);
}

TEST_CASE("flags: precise ones are live in front of what can fault, dead in front of what cannot") {
  CodeBytes code;
  code.Put(0x40, {0x01, 0xd8,    // add eax, ebx
                  0x8b, 0x13,    // mov edx, [rbx]
                  0x01, 0xd8,    // add eax, ebx
                  0x01, 0xd8,    // add eax, ebx
                  0xf7, 0xf1,    // div ecx
                  0x01, 0xd8});  // add eax, ebx
  UnitMode mode = LongMode();
  CHECK_EQ(LiveFlags(ReadUnit(mode, MaxModel(), code, 0x40), AllNeeded)[1].before, 0);
  mode.precise_flags = true;
  const auto live = LiveFlags(ReadUnit(mode, MaxModel(), code, 0x40), AllNeeded);
  CHECK_EQ(live[1].before, kAll);
  CHECK_EQ(live[2].after, 0);
  CHECK_EQ(live[4].before, kAll);
  CHECK_EQ(live[5].before, 0);
}

TEST_CASE("accesses near each other through one register share a check") {
  CodeBytes code;
  code.Put(0x40, {0x48, 0x8b, 0x03,        // mov rax, [rbx]
                  0x48, 0x8b, 0x4b, 0x08,  // mov rcx, [rbx+8]
                  0x48, 0x83, 0xc3, 0x10,  // add rbx, 16
                  0x48, 0x8b, 0x13,        // mov rdx, [rbx]
                  0x48, 0x89, 0xc3,        // mov rbx, rax
                  0x48, 0x8b, 0x13});      // mov rdx, [rbx]
  const Unit unit = ReadUnit(LongMode(), MaxModel(), code, 0x40);
  const auto plans = PlanAccesses(unit);
  CHECK_EQ(plans[1].memory.leader, &plans[0].memory);
  CHECK_EQ(plans[3].memory.leader, &plans[0].memory);
  CHECK_EQ(plans[0].memory.check_size, 24);
  CHECK(plans[5].memory.leader == nullptr);
}

TEST_CASE("accesses that are to be apart lead no group") {
  CodeBytes code;
  code.Put(0x40, {0x48, 0x8b, 0x03,         // mov rax, [rbx]
                  0x48, 0x8b, 0x4b, 0x08,   // mov rcx, [rbx+8]
                  0xf4});
  Unit unit = ReadUnit(LongMode(), MaxModel(), code, 0x40);
  unit.hints.apart = {{0x40, false}};
  unit.hints.wandering = {{0x43, false}};
  const auto plans = PlanAccesses(unit);
  CHECK(plans[1].memory.leader == nullptr);
  CHECK(!plans[0].memory.asks_tlb);
  CHECK(plans[1].memory.asks_tlb);
}

// An access through RBX, then a write far from it that is checked apart, and one near the first.
std::vector<InstAccesses> PlansAroundFarWrite(std::initializer_list<int> first) {
  CodeBytes code;
  code.Put(0x40, first);
  code.Put(0x43, {0x48, 0x89, 0x83, 0x00, 0x10, 0x00, 0x00,  // mov [rbx+0x1000], rax
                  0x48, 0x89, 0x43, 0x08,                    // mov [rbx+8], rax
                  0xf4});
  Unit unit = ReadUnit(LongMode(), MaxModel(), code, 0x40);
  unit.hints.apart = {{0x43, false}};
  return PlanAccesses(unit);
}

TEST_CASE("no group outlives a check of its own in the same cached run") {
  const auto plans = PlansAroundFarWrite({0x48, 0x89, 0x03});  // mov [rbx], rax
  CHECK(plans[1].memory.leader == nullptr);
  CHECK(plans[2].memory.leader == nullptr);
}

TEST_CASE("a check for reading stays one where a check of its own for writing comes between") {
  const auto plans = PlansAroundFarWrite({0x48, 0x8b, 0x03});  // mov rax, [rbx]
  CHECK(!plans[0].memory.is_write);
  CHECK(plans[2].memory.leader == nullptr);
}

}  // namespace
}  // namespace tandem::jit
