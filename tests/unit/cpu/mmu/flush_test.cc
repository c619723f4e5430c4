// What each kind of flush drops and keeps. Page 5 of the fixture's tables is global, page 6 is not.
#include "cpu/mmu/mmu.h"
#include "tests/unit/cpu/mmu/fixture.h"

// After our headers: it has a CHECK of its own.
#include <doctest/doctest.h>

namespace tandem::cpu {
namespace {

constexpr u64 kGlobalPage = 0x5000, kLocalPage = 0x6000;

struct FlushFixture : MmuFixture {
  FlushFixture() {
    EnterLongMode(0x9167);
    Put<u64>(0x4000 + 8 * 6, 0xa067);
    state.cr4 |= kCr4Pge | kCr4Pcide;
    Refresh();
  }
  void TouchBoth() {
    REQUIRE(Touch(kGlobalPage));
    REQUIRE(Touch(kLocalPage));
  }
  void SetCpl(u8 cpl) {
    state.cpl = cpl;
    mmu->UpdateMode();
  }
  void LoadCr3(u64 pcid, bool keeps) {
    state.cr3 = 0x1000 | pcid;
    mmu->Cr3Loaded(keeps);
  }
};

TEST_CASE("flush: loading CR3 keeps global entries of the supervisor, also with AC") {
  FlushFixture f;
  f.state.cr4 |= kCr4Smap;
  for (const u64 flags : {u64{0}, kFlagAc}) {
    CAPTURE(flags);
    f.Put<u64>(0x4000 + 8 * 5, 0x9163);
    f.Put<u64>(0x4000 + 8 * 6, 0xa063);
    f.state.rflags = flags;
    f.Refresh();
    f.TouchBoth();
    f.mmu->FlushNonGlobal();
    CHECK(f.IsCached(kGlobalPage));
    CHECK_FALSE(f.IsCached(kLocalPage));
  }
}

TEST_CASE("flush: without CR4.PGE the G bit means nothing") {
  FlushFixture f;
  f.state.cr4 &= ~kCr4Pge;
  f.Refresh();
  f.TouchBoth();
  f.mmu->FlushNonGlobal();
  CHECK_FALSE(f.IsCached(kGlobalPage));
}

TEST_CASE("flush: a slot that changes from local to global is kept, and the reverse") {
  FlushFixture f;
  f.Put<u64>(0x3008, 0x4007);  // linear 2 MiB: the same tables, and the same slots
  f.TouchBoth();
  REQUIRE(f.Touch(0x200000 + kLocalPage));
  f.Put<u64>(0x4000 + 8 * 6, 0xa167);
  f.mmu->FlushPage(Gva(kLocalPage));
  REQUIRE(f.Touch(kLocalPage));
  f.mmu->FlushNonGlobal();
  CHECK(f.IsCached(kLocalPage));
  f.Put<u64>(0x4000 + 8 * 6, 0xa067);
  REQUIRE(f.Touch(0x200000 + kLocalPage));
  f.mmu->FlushNonGlobal();
  CHECK_FALSE(f.IsCached(0x200000 + kLocalPage));
}

TEST_CASE("flush: a PCID's user entries come back with bit 63, and not without") {
  FlushFixture f;
  f.LoadCr3(1, false);
  f.SetCpl(3);
  REQUIRE(f.Touch(kLocalPage));
  const u64 tag = f.mmu->user_generation_tag();
  f.LoadCr3(2, true);
  CHECK_FALSE(f.IsCached(kLocalPage));
  CHECK_NE(f.mmu->user_generation_tag(), tag);
  f.LoadCr3(1, true);
  CHECK(f.IsCached(kLocalPage));
  CHECK_EQ(f.mmu->user_generation_tag(), tag);
  f.LoadCr3(2, true);
  f.LoadCr3(1, false);
  CHECK_FALSE(f.IsCached(kLocalPage));
  CHECK_NE(f.mmu->user_generation_tag(), tag);
}

TEST_CASE("flush: the supervisor's local entries go with every change of PCID") {
  FlushFixture f;
  f.LoadCr3(1, false);
  f.TouchBoth();
  f.LoadCr3(2, true);
  CHECK_FALSE(f.IsCached(kLocalPage));
  CHECK(f.IsCached(kGlobalPage));
  f.LoadCr3(1, true);
  CHECK_FALSE(f.IsCached(kLocalPage));
}

TEST_CASE("flush: a PCID not used for long is forgotten, not confused") {
  FlushFixture f;
  f.SetCpl(3);
  f.LoadCr3(1, false);
  REQUIRE(f.Touch(kLocalPage));
  for (u64 pcid = 2; pcid < 40; ++pcid) {
    f.LoadCr3(pcid, true);
    CHECK_FALSE(f.IsCached(kLocalPage));
  }
  f.LoadCr3(1, true);
  CHECK_FALSE(f.IsCached(kLocalPage));
}

TEST_CASE("flush: INVPCID of one PCID leaves the others alone") {
  FlushFixture f;
  f.SetCpl(3);
  for (const bool is_single_page : {false, true}) {
    CAPTURE(is_single_page);
    f.LoadCr3(1, false);
    REQUIRE(f.Touch(kLocalPage));
    f.LoadCr3(2, false);
    REQUIRE(f.Touch(kLocalPage));
    const u64 generation = f.mmu->generation();
    if (is_single_page) {
      f.mmu->FlushPageOfPcid(1, Gva(kLocalPage));
    } else {
      f.mmu->FlushPcid(1);
    }
    CHECK(f.IsCached(kLocalPage));
    CHECK_EQ(f.mmu->generation(), generation);
    f.LoadCr3(1, true);
    CHECK_FALSE(f.IsCached(kLocalPage));
  }
}

TEST_CASE("flush: INVPCID of the current PCID") {
  FlushFixture f;
  f.LoadCr3(1, false);
  f.TouchBoth();
  f.mmu->FlushPcid(1);
  CHECK_FALSE(f.IsCached(kLocalPage));
  CHECK(f.IsCached(kGlobalPage));
  f.TouchBoth();
  f.mmu->FlushPageOfPcid(1, Gva(kLocalPage));
  CHECK_FALSE(f.IsCached(kLocalPage));
  CHECK(f.IsCached(kGlobalPage));
}

TEST_CASE("flush: INVPCID of all PCIDs, with and without global entries") {
  FlushFixture f;
  f.LoadCr3(1, false);
  f.SetCpl(3);
  REQUIRE(f.Touch(kLocalPage));
  f.LoadCr3(2, false);
  f.SetCpl(0);
  f.TouchBoth();
  f.mmu->FlushAllPcids();
  CHECK_FALSE(f.IsCached(kLocalPage));
  CHECK(f.IsCached(kGlobalPage));
  f.mmu->FlushAll();
  CHECK_FALSE(f.IsCached(kGlobalPage));
  f.LoadCr3(1, true);
  f.SetCpl(3);
  CHECK_FALSE(f.IsCached(kLocalPage));
}

TEST_CASE("flush: INVLPG drops a global page under every PCID") {
  FlushFixture f;
  f.SetCpl(3);
  f.LoadCr3(1, false);
  REQUIRE(f.Touch(kGlobalPage));
  f.LoadCr3(2, false);
  f.mmu->FlushPage(Gva(kGlobalPage));
  f.LoadCr3(1, true);
  CHECK_FALSE(f.IsCached(kGlobalPage));
}

TEST_CASE("flush: INVLPG of a part of a large page drops it under every PCID, and little else") {
  FlushFixture f;
  f.Put<u64>(0x3000 + 8 * 3, 0x200087);  // 2 MiB at linear 6 MiB
  f.SetCpl(3);
  f.LoadCr3(1, false);
  REQUIRE(f.Touch(0x601000));
  REQUIRE(f.Touch(kLocalPage));
  f.LoadCr3(2, false);
  f.mmu->FlushPage(Gva(0x7ff000));
  f.LoadCr3(1, true);
  CHECK_FALSE(f.IsCached(0x601000));
  CHECK(f.IsCached(kLocalPage));
}

TEST_CASE("flush: the generations tell what may differ") {
  FlushFixture f;
  const auto counts = [&] { return std::pair(f.mmu->generation(), f.mmu->global_generation()); };
  auto before = counts();
  f.mmu->FlushNonGlobal();
  CHECK_EQ(counts(), std::pair(before.first + 1, before.second));
  f.LoadCr3(1, true);
  f.LoadCr3(1, true);
  CHECK_EQ(counts(), std::pair(before.first + 3, before.second));
  before = counts();
  f.mmu->FlushPage(Gva(kLocalPage));
  f.mmu->FlushAll();
  CHECK_EQ(counts(), std::pair(before.first + 2, before.second + 1));
}

TEST_CASE("flush: generations of the user bank are given again only with a global flush") {
  FlushFixture f;
  f.SetCpl(3);
  f.LoadCr3(1, false);
  REQUIRE(f.Touch(kLocalPage));
  const u64 tag = f.mmu->user_generation_tag();
  const u64 global = f.mmu->global_generation();
  f.LoadCr3(2, false);
  for (int i = 0; i < 5000; ++i) {
    f.mmu->FlushNonGlobal();
    if (f.mmu->user_generation_tag() == tag) {
      CHECK_NE(f.mmu->global_generation(), global);
    }
    REQUIRE_FALSE(f.IsCached(kLocalPage));
  }
  CHECK_NE(f.mmu->global_generation(), global);
  f.LoadCr3(1, true);
  CHECK_FALSE(f.IsCached(kLocalPage));
}

}  // namespace
}  // namespace tandem::cpu
