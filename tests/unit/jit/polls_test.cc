#include "jit/analysis/polls.h"

#include "jit/unit/region.h"
#include "tests/unit/jit/code_bytes.h"

#undef CHECK
#include <doctest/doctest.h>

namespace tandem::jit {
namespace {

Polls PollsOf(CodeBytes& code, i64 entry, std::vector<i32> targets = {}) {
  Hints hints;
  hints.targets = std::move(targets);
  return FindPolls(
      ReadRegion(LongMode(), MaxModel(), code, entry, RegionKind::kEverything, hints));
}

TEST_CASE("each of two nested loops looks for attention") {
  CodeBytes code;
  code.Put(0x100, {0x48, 0xff, 0xc8,     // 0 100: dec rax
                   0x75, 0xfb,           // 1 103: jne 100
                   0x48, 0xff, 0xc9,     // 2 105: dec rcx
                   0x75, 0xf6,           // 3 108: jne 100
                   0xf4});               // 4 10a: hlt
  CHECK(PollsOf(code, 0x100) == Polls{{{1, 0}, {3, 0}}, {}});
}

TEST_CASE("where all ways round go through an indirect jump, that looks alone") {
  CodeBytes code;
  code.Put(0x100, {0xff, 0xe0,           // 0 100: jmp rax
                   0x48, 0xff, 0xc9,     // 1 102: dec rcx
                   0xeb, 0xf9,           // 2 105: jmp 100
                   0x48, 0xff, 0xca,     // 3 107: dec rdx
                   0x75, 0xfb,           // 4 10a: jne 107
                   0xeb, 0xf2});         // 5 10c: jmp 100
  CHECK(PollsOf(code, 0x100, {0x102, 0x107}) == Polls{{{4, 3}}, {0}});
}

TEST_CASE("an indirect jump need not look where the ways round look already") {
  CodeBytes code;
  code.Put(0x100, {0x3c, 0x0c,           // 0 100: cmp al, 12
                   0x77, 0x02,           // 1 102: ja 106
                   0xff, 0xe0,           // 2 104: jmp rax
                   0x48, 0xff, 0xc9,     // 3 106: dec rcx
                   0xeb, 0xf5});         // 4 109: jmp 100
  CHECK(PollsOf(code, 0x100, {0x106}) == Polls{{{4, 0}}, {}});
}

TEST_CASE("a way round through other code counts") {
  CodeBytes code;
  code.Put(0x100, {0x48, 0xff, 0xc8,  // 0 100: dec rax
                   0xc3,              // 1 103: ret, perhaps to 110
                   0x90});
  code.Put(0x110, {0x48, 0xff, 0xc9,  // 2 110: dec rcx
                   0xeb, 0xeb});      // 3 113: jmp 100
  CHECK(PollsOf(code, 0x110) == Polls{{{3, 0}}, {}});
}

}  // namespace
}  // namespace tandem::jit
