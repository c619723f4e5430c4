#include "cpu/mmu/walk.h"

#include <doctest/doctest.h>

#include "tests/unit/cpu/mmu/fixture.h"

namespace tandem::cpu {
namespace {

constexpr Gva kPage(0x5000);

// One row: the leaf, the access, and what comes of it.
struct Row {
  const char* what;
  u64 leaf;
  u8 cpl;
  AccessKind kind;
  u64 cr4;
  u64 flags;
  int error;  // -1: allowed
};

constexpr u64 kNx = u64{1} << 63;
constexpr Row kRows[] = {
    {"user reads user page", 0x9067, 3, AccessKind::kRead, 0, 0, -1},
    {"user reads supervisor page", 0x9063, 3, AccessKind::kRead, 0, 0, 5},
    {"user writes read-only page", 0x9065, 3, AccessKind::kWrite, 0, 0, 7},
    {"not present", 0x9066, 3, AccessKind::kWrite, 0, 0, 6},
    {"supervisor writes read-only page with WP", 0x9061, 0, AccessKind::kWrite, 0, 0, 3},
    {"fetch from NX page", 0x9067 | kNx, 3, AccessKind::kExecute, 0, 0, 0x15},
    {"reserved physical address bit", 0x9067 | u64{1} << 45, 0, AccessKind::kRead, 0, 0, 9},
    {"supervisor fetches user page with SMEP", 0x9067, 0, AccessKind::kExecute, kCr4Smep, 0, 0x11},
    {"supervisor fetches user page", 0x9067, 0, AccessKind::kExecute, 0, 0, -1},
    {"supervisor reads user page with SMAP", 0x9067, 0, AccessKind::kRead, kCr4Smap, 0, 1},
    {"the same with AC", 0x9067, 0, AccessKind::kRead, kCr4Smap, kFlagAc, -1},
    {"key 1, access disabled", 0x9067 | u64{1} << 59, 3, AccessKind::kRead, kCr4Pke, 0, 0x25},
    {"key 2, write disabled, read", 0x9067 | u64{2} << 59, 3, AccessKind::kRead, kCr4Pke, 0, -1},
    {"key 2, write disabled", 0x9067 | u64{2} << 59, 3, AccessKind::kWrite, kCr4Pke, 0, 0x27},
};

TEST_CASE("walk: rights and error codes of 4-level paging") {
  for (const Row& row : kRows) {
    CAPTURE(row.what);
    MmuFixture f;
    f.EnterLongMode(row.leaf);
    f.state.cr4 |= row.cr4;
    f.state.rflags |= row.flags;
    f.state.pkru = 1u << 2 | 2u << 4;
    f.state.cpl = row.cpl;
    f.Refresh();
    CodePage page;
    const Fault fault = row.kind == AccessKind::kExecute ? f.mmu->Fetch(kPage, page)
                                                         : f.mmu->Probe(kPage, 1, row.kind);
    CHECK_EQ(fault.raised, row.error >= 0);
    if (row.error >= 0) {
      CHECK_EQ(fault.vector, Vector::kPf);
      CHECK_EQ(fault.error_code, static_cast<u32>(row.error));
      CHECK_EQ(fault.address, kPage.value);
    }
  }
}

TEST_CASE("walk: accessed bits are set by reads, dirty bits by writes, neither by faults") {
  MmuFixture f;
  f.EnterLongMode(0x9005);
  CHECK(f.mmu->Probe(kPage, 1, AccessKind::kWrite).raised);
  CHECK_EQ(f.Get<u64>(0x4028), 0x9005);
  CHECK_FALSE(f.mmu->Probe(kPage, 1, AccessKind::kRead).raised);
  CHECK_EQ(f.Get<u64>(0x4028), 0x9025);
  CHECK_EQ(f.Get<u64>(0x1000), 0x2027);
  f.Put<u64>(0x4028, 0x9007);
  f.mmu->FlushPage(kPage);
  CHECK_FALSE(f.mmu->Write(kPage, u8{1}).raised);
  CHECK_EQ(f.Get<u64>(0x4028), 0x9067);
  CHECK_EQ(f.Get<u8>(0x9000), 1);
}

TEST_CASE("walk: a read translation does not let a later write skip the dirty bit") {
  MmuFixture f;
  f.EnterLongMode(0x9007);
  u8 value = 0;
  CHECK_FALSE(f.mmu->Read(kPage, value).raised);
  CHECK_FALSE(f.mmu->Write(kPage, value).raised);
  CHECK_EQ(f.Get<u64>(0x4028) & 0x60, 0x60);
}

TEST_CASE("walk: 2 MiB and 1 GiB pages, and their reserved bits") {
  MmuFixture f;
  f.EnterLongMode(0);
  f.Put<u64>(0x3000 + 8, 0x200087);  // 2 MiB at linear 2 MiB
  f.Put<u64>(0x2000 + 8, 0x87);      // 1 GiB at linear 1 GiB
  f.Put<u32>(0x212345, 0xcafe);
  f.Refresh();
  u32 value = 0;
  CHECK_FALSE(f.mmu->Read(Gva(0x212345), value).raised);
  CHECK_EQ(value, 0xcafe);
  CHECK_FALSE(f.mmu->Read(Gva(0x40212345), value).raised);
  CHECK_EQ(value, 0xcafe);
  f.Put<u64>(0x3000 + 8, 0x202087);
  f.Refresh();
  CHECK_EQ(f.mmu->Read(Gva(0x212345), value).error_code, 9);
  f.model.features.reset(static_cast<size_t>(Feature::kPdpe1gb));
  f.Refresh();
  CHECK_EQ(f.mmu->Read(Gva(0x40212345), value).error_code, 9);
}

TEST_CASE("walk: without EFER.NXE bit 63 is reserved") {
  MmuFixture f;
  f.EnterLongMode(0x9067 | kNx);
  f.state.msr.efer &= ~kEferNxe;
  f.Refresh();
  CHECK_EQ(f.mmu->Probe(kPage, 1, AccessKind::kRead).error_code, 9);
}

TEST_CASE("walk: five levels") {
  MmuFixture f;
  f.EnterLongMode(0x9067);
  f.Put<u64>(0x8000 + 8 * 0x100, 0x1007);  // linear address bit 56
  f.state.cr3 = 0x8000;
  f.state.cr4 |= kCr4La57;
  f.Refresh();
  const Gva high(0xff00000000005000);
  CHECK_FALSE(f.mmu->Probe(high, 1, AccessKind::kRead).raised);
  CHECK_EQ(f.mmu->Probe(Gva(0x0100000000005000), 1, AccessKind::kRead).vector, Vector::kGp);
}

TEST_CASE("walk: 32-bit paging with 4 KiB and 4 MiB pages and PSE-36") {
  MmuFixture f;
  f.state.cr0 = kCr0Pe | kCr0Pg;
  f.state.cr4 = kCr4Pse;
  f.state.cr3 = 0x1000;
  f.Put<u32>(0x1000, 0x2007);
  f.Put<u32>(0x2000 + 4 * 5, 0x9007);
  f.Put<u32>(0x1000 + 4, 0x87);         // 4 MiB at linear 4 MiB
  f.Put<u32>(0x1000 + 8, 0x2087);       // physical bit 32: not mapped, reads as ones
  f.Put<u32>(0x1000 + 12, 0x00200087);  // reserved bit 21
  f.Put<u32>(0x9004, 0x1234);
  f.Refresh();
  u32 value = 0;
  CHECK_FALSE(f.mmu->Read(Gva(0x5004), value).raised);
  CHECK_EQ(value, 0x1234);
  CHECK_FALSE(f.mmu->Read(Gva(0x409004), value).raised);
  CHECK_EQ(value, 0x1234);
  CHECK_FALSE(f.mmu->Read(Gva(0x809004), value).raised);
  CHECK_EQ(value, 0xffffffff);
  CHECK_EQ(f.mmu->Read(Gva(0xc00000), value).error_code, 9);
  CHECK_EQ(f.Get<u32>(0x2014), 0x9027);
}

TEST_CASE("walk: PAE paging reads the PDPTEs once and checks them") {
  MmuFixture f;
  f.state.cr0 = kCr0Pe | kCr0Pg;
  f.state.cr4 = kCr4Pae;
  f.Put<u64>(0x1000, 0x3001);
  f.Put<u64>(0x3000, 0x4007);
  f.Put<u64>(0x4000 + 8 * 5, 0x9007);
  REQUIRE_FALSE(f.mmu->LoadPdptes(0x1000).raised);
  f.Put<u64>(0x1000, 0);
  f.Refresh();
  u8 value = 0;
  CHECK_FALSE(f.mmu->Read(kPage, value).raised);
  CHECK_EQ(f.mmu->Read(Gva(0x40005000), value).error_code, 0);
  f.Put<u64>(0x1008, 0x3003);
  CHECK_EQ(f.mmu->LoadPdptes(0x1000).vector, Vector::kGp);
}

TEST_CASE("walk: the debugger's translation sets nothing and minds no rights") {
  MmuFixture f;
  f.EnterLongMode(0x9001);
  Gpa gpa;
  f.state.cpl = 3;
  CHECK(f.mmu->DebugTranslate(Gva(0x5123), gpa));
  CHECK_EQ(gpa.value, 0x9123);
  CHECK_EQ(f.Get<u64>(0x4028), 0x9001);
  CHECK_FALSE(f.mmu->DebugTranslate(Gva(0x6000), gpa));
}

}  // namespace
}  // namespace tandem::cpu
