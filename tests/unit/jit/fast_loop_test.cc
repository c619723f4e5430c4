#include <algorithm>

#include "jit/analysis/fast_loop.h"
#include "jit/unit/region.h"
#include "tests/unit/jit/code_bytes.h"

#undef CHECK
#include <doctest/doctest.h>

namespace tandem::jit {
namespace {

// accesses: what the streams point to.
std::vector<FastLoop> LoopsOf(CodeBytes& code, i64 entry, std::vector<InstAccesses>& accesses) {
  const Unit unit = ReadRegion(LongMode(), MaxModel(), code, entry, RegionKind::kEverything);
  accesses = PlanAccesses(unit);
  return FindFastLoops(unit, accesses);
}

bool HasLoop(CodeBytes& code, i64 entry) {
  std::vector<InstAccesses> accesses;
  return !LoopsOf(code, entry, accesses).empty();
}

TEST_CASE("fast loops: what lies in each other's reach is one stream, and moves by its registers' steps") {
  CodeBytes code;
  code.Put(0x100, {0x48, 0x8b, 0x06,              // 100: mov rax, [rsi]
                   0x48, 0x83, 0xc6, 0x10,        // 103: add rsi, 16
                   0x48, 0x03, 0x46, 0xf8,        // 107: add rax, [rsi-8]
                   0x48, 0x89, 0x44, 0xcf, 0x40,  // 10b: mov [rdi+rcx*8+0x40], rax
                   0x48, 0xff, 0xc9,              // 110: dec rcx
                   0x75, 0xeb});                  // 113: jne 100
  std::vector<InstAccesses> accesses;
  const auto loops = LoopsOf(code, 0x100, accesses);
  REQUIRE_EQ(loops.size(), 1);
  REQUIRE_EQ(loops[0].streams.size(), 2);
  const Stream &read = loops[0].streams[0], &written = loops[0].streams[1];
  CHECK_EQ(read.low, 0);
  CHECK_EQ(read.high, 16);
  CHECK_EQ(read.step, 16);
  CHECK(!read.run->uses_write_run());
  CHECK_EQ(written.low, 0x40);
  CHECK_EQ(written.size(), 8);
  CHECK_EQ(written.step, -8);
  CHECK(written.run->uses_write_run());
  CHECK_EQ(loops[0].stream_of[2], 0);
  for (const u8 used : {cpu::kRax, cpu::kRcx, cpu::kRsi, cpu::kRdi}) {
    CHECK(std::find(loops[0].unused.begin(), loops[0].unused.end(), used) == loops[0].unused.end());
  }
}

TEST_CASE("fast loops: none where an address comes from memory, or the stack moves") {
  CodeBytes code;
  code.Put(0x100, {0x48, 0x8b, 0x36,  // mov rsi, [rsi]
                   0x48, 0x85, 0xf6,  // test rsi, rsi
                   0x75, 0xf8});      // jne 100
  CHECK(!HasLoop(code, 0x100));
  code.Put(0x200, {0x48, 0x8b, 0x06,  // mov rax, [rsi]
                   0x50,              // push rax
                   0x48, 0xff, 0xc9,  // dec rcx
                   0x75, 0xf7});      // jne 200
  CHECK(!HasLoop(code, 0x200));
}

TEST_CASE("fast loops: none that is entered at its jump back") {
  CodeBytes code;
  code.Put(0x100, {0x50,              // 100: push rax
                   0x48, 0x8b, 0x06,  // 101: mov rax, [rsi]
                   0x75, 0xfa});      // 104: jne 100
  CHECK(!HasLoop(code, 0x104));
}

TEST_CASE("fast loops: none without a register for the count") {
  CodeBytes code;
  code.Put(0x100, {0x48, 0x8b, 0x06});  // mov rax, [rsi]
  i64 at = 0x103;
  for (const int modrm : {0xc0, 0xc9, 0xd2, 0xdb, 0xed, 0xf6, 0xff}) {  // test reg, reg
    code.Put(at, {0x48, 0x85, modrm});
    code.Put(at + 3, {0x4d, 0x85, modrm});
    at += 6;
  }
  code.Put(at, {0x75, static_cast<int>(0x100 - (at + 2)) & 0xff});  // jne 100
  CHECK(HasLoop(code, 0x100));                                      // R12
  code.Put(at, {0x4d, 0x85, 0xe4,                                   // test r12, r12
                0x75, static_cast<int>(0x100 - (at + 5)) & 0xff});  // jne 100
  CHECK(!HasLoop(code, 0x100));
}

}  // namespace
}  // namespace tandem::jit
