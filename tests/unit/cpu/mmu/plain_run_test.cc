#include "cpu/mmu/mmu.h"
#include "tests/unit/cpu/mmu/fixture.h"

// After our headers: it has a CHECK of its own.
#include <doctest/doctest.h>

namespace tandem::cpu {
namespace {

constexpr u64 k2M = 0x200000;
constexpr u64 k1G = 0x40000000;

// 2 MiB pages at linear 2 MiB (global; RAM from 2 MiB on) and 4 MiB (RAM's first part); 1 GiB at
// linear 1 GiB, of which RAM is 4 MiB.
struct RunFixture : MmuFixture {
  RunFixture() {
    EnterLongMode(0x9067);
    Put<u64>(0x3008, k2M | 0x187);
    Put<u64>(0x3010, 0x87);
    Put<u64>(0x2008, 0x87);
    state.cr4 |= kCr4Pge;
    Refresh();
  }
  PlainRun Find(u64 linear, AccessKind kind = AccessKind::kRead, u32 size = 4) {
    const PlainRun run = mmu->FindPlainRun(Gva(linear), size, kind);
    if (run.length != 0) {
      CHECK(run.Holds(Gva(linear), size));
    }
    return run;
  }
  u64 RamOffset(const PlainRun& run) {
    return run.linear + run.addend - reinterpret_cast<u64>(ram->data());
  }
};

TEST_CASE("plain run: of a 4 KiB page") {
  RunFixture f;
  const PlainRun run = f.Find(0x5ff0);
  CHECK_EQ(run.linear, 0x5000);
  CHECK_EQ(run.length, 0x1000);
  CHECK_EQ(f.RamOffset(run), 0x9000);
  CHECK_FALSE(run.is_global);
  CHECK(f.IsCached(0x5000));
}

TEST_CASE("plain run: of large pages, clipped to RAM") {
  RunFixture f;
  for (const AccessKind kind : {AccessKind::kRead, AccessKind::kWrite}) {
    PlainRun run = f.Find(k2M + 0x12345, kind);
    CHECK_EQ(run.linear, k2M);
    CHECK_EQ(run.length, k2M);
    CHECK_EQ(f.RamOffset(run), k2M);
    CHECK(run.is_global);
    run = f.Find(k1G + 0x312345, kind);
    CHECK_EQ(run.linear, k1G);
    CHECK_EQ(run.length, MmuFixture::kRamSize);
    CHECK_EQ(f.RamOffset(run), 0);
    CHECK_FALSE(run.is_global);
  }
  CHECK_EQ(f.Get<u64>(0x3008), (k2M | 0x1e7));  // accessed and dirty
}

TEST_CASE("plain run: without paging it is all of RAM") {
  MmuFixture f;
  const PlainRun run = f.mmu->FindPlainRun(Gva(0x12345), 4, AccessKind::kWrite);
  CHECK_EQ(run.linear, 0);
  CHECK_EQ(run.length, MmuFixture::kRamSize);
  CHECK_EQ(run.addend, reinterpret_cast<u64>(f.ram->data()));
}

TEST_CASE("plain run: 4 MiB pages of 32-bit paging") {
  MmuFixture f;
  f.state.cr0 = kCr0Pe | kCr0Pg;
  f.state.cr4 = kCr4Pse;
  f.state.cr3 = 0x1000;
  f.Put<u32>(0x1004, 0x87);
  f.Refresh();
  const PlainRun run = f.mmu->FindPlainRun(Gva(0x712345), 4, AccessKind::kRead);
  CHECK_EQ(run.linear, 0x400000);
  CHECK_EQ(run.length, 0x400000);
}

TEST_CASE("plain run: none for what must be seen") {
  RunFixture f;
  CHECK_EQ(f.Find(0x5ffe).length, 0);             // crosses the page's end
  CHECK_EQ(f.Find(0x7000).length, 0);             // faults
  CHECK_EQ(f.Find(k1G + f.kDeviceAt).length, 0);  // device
  CHECK_NE(f.Find(k1G + f.kRomAt).length, 0);
  CHECK_EQ(f.Find(k1G + f.kRomAt, AccessKind::kWrite).length, 0);
  f.ram->SetDirtyLogging(true);
  f.Refresh();
  CHECK_EQ(f.Find(k2M).length, k2M);
  CHECK_EQ(f.Find(k2M, AccessKind::kWrite).length, 0);
  f.state.dr7 |= 1;
  CHECK_EQ(f.Find(k2M).length, 0);
}

TEST_CASE("plain run: none under alignment checks") {
  RunFixture f;
  f.state.cr0 |= kCr0Am;
  f.state.rflags |= kFlagAc;
  f.state.cpl = 3;
  f.Refresh();
  CHECK_EQ(f.Find(0x5000).length, 0);
}

TEST_CASE("plain run: code shortens those for writes to a page, and its own has none") {
  RunFixture f;
  f.code.code_page = Gpa(k2M + 0x7000);
  CHECK_EQ(f.Find(k2M + 0x3000).length, k2M);
  const PlainRun run = f.Find(k2M + 0x3000, AccessKind::kWrite);
  CHECK_EQ(run.linear, k2M + 0x3000);
  CHECK_EQ(run.length, 0x1000);
  CHECK_EQ(f.RamOffset(run), k2M + 0x3000);
  CHECK_EQ(f.Find(k2M + 0x7000, AccessKind::kWrite).length, 0);
}

TEST_CASE("plain run: the APIC's page in RAM is not part of any") {
  RunFixture f;
  f.apic.base = (k2M + 0x5000) | 0x900;
  f.mmu->ApicBaseChanged();
  CHECK_EQ(f.Find(k2M + 0x5000).length, 0);
  CHECK_EQ(f.Find(k2M + 0x6000).length, 0x1000);
  CodePage page;
  REQUIRE_FALSE(f.mmu->Fetch(Gva(k2M + 0x8000), page).raised);
  CHECK_EQ(page.page_size, 0x8000);
}

TEST_CASE("fetch: tells the size of the page, also on a hit") {
  RunFixture f;
  for (int i = 0; i < 2; ++i) {
    CodePage page;
    REQUIRE_FALSE(f.mmu->Fetch(Gva(k2M + 0x12345), page).raised);
    CHECK_EQ(page.page_size, k2M);
    CHECK(page.is_global);
    CHECK_EQ(page.gpa.value, k2M + 0x12000);
    CHECK_EQ(page.host, f.ram->data() + k2M + 0x12000);
    REQUIRE_FALSE(f.mmu->Fetch(Gva(0x5123), page).raised);
    CHECK_EQ(page.page_size, 0x1000);
    CHECK_FALSE(page.is_global);
    REQUIRE_FALSE(f.mmu->Fetch(Gva(k1G + 0x3ff000), page).raised);
    CHECK_EQ(page.page_size, MmuFixture::kRamSize);  // of the 1 GiB, this is RAM
  }
}

TEST_CASE("drop write tags: under every alias and for all rights") {
  RunFixture f;
  f.Put<u64>(0x4000 + 8 * 6, 0x9067);
  f.Put<u64>(0x4000 + 8 * 7, 0xa067);
  const u64 pages[] = {0x5000, 0x6000, 0x7000};
  const auto with_all = [&](auto visit) {
    for (const u8 cpl : {u8{0}, u8{3}}) {
      f.state.cpl = cpl;
      f.mmu->UpdateMode();
      for (const u64 page : pages) {
        visit(page);
      }
    }
  };
  with_all([&](u64 page) { REQUIRE_FALSE(f.mmu->Write(Gva(page), u8{1}).raised); });
  const u64 generation = f.mmu->generation(), writes = f.mmu->write_generation();
  f.mmu->DropWriteTags(Gpa(0x9000));
  with_all([&](u64 page) {
    CAPTURE(page);
    CHECK_EQ(f.mmu->TryWrite(Gva(page), 1) != nullptr, page == 0x7000);
    CHECK(f.IsCached(page));
  });
  CHECK_EQ(f.mmu->generation(), generation);
  CHECK_EQ(f.mmu->write_generation(), writes + 1);
}

TEST_CASE("drop write tags: on request, of all pages") {
  RunFixture f;
  REQUIRE_FALSE(f.mmu->Write(Gva(0x5000), u8{1}).raised);
  const u64 generation = f.mmu->generation(), writes = f.mmu->write_generation();
  f.mmu->RequestDropWrites();
  CHECK(f.mmu->FlushIsRequested());
  CHECK_NE(f.mmu->TryWrite(Gva(0x5000), 1), nullptr);
  f.mmu->ServeFlushRequest();
  CHECK_FALSE(f.mmu->FlushIsRequested());
  CHECK_EQ(f.mmu->TryWrite(Gva(0x5000), 1), nullptr);
  CHECK(f.IsCached(0x5000));
  CHECK_EQ(f.mmu->generation(), generation);
  CHECK_EQ(f.mmu->write_generation(), writes + 1);
}

}  // namespace
}  // namespace tandem::cpu
