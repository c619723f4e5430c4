// MOV CR3, MOV CR4 and INVPCID as the TLB sees them. SDM Vol. 3, 4.10.4.1.
#include "cpu/event/system.h"
#include "tests/unit/cpu/event/fixture.h"

// After our headers: it has a CHECK of its own.
#include <doctest/doctest.h>

namespace tandem::cpu {
namespace {

constexpr u64 kKeep = u64{1} << 63;
constexpr u64 kPage = 0x200000;  // 4 KiB page, not global

struct InvalidateFixture : EventFixture {
  InvalidateFixture() {
    EnterLong(0);
    Put<u64>(0x3008, 0x4007);
    Put<u64>(0x4000, 0x9067);
    REQUIRE_FALSE(WriteControl(context, 4, kCr4Pae | kCr4Pge | kCr4Pcide).raised);
  }
  void LoadCr3(u64 value) { REQUIRE_FALSE(WriteControl(context, 3, value).raised); }
  bool IsCachedForUser() {
    state.cpl = 3;
    mmu->UpdateMode();
    const bool is_cached = IsCached(kPage);
    LeaveUser();
    return is_cached;
  }
  void TouchAsUser() {
    state.cpl = 3;
    mmu->UpdateMode();
    REQUIRE(Touch(kPage));
    LeaveUser();
  }
  void LeaveUser() {
    state.cpl = 0;
    mmu->UpdateMode();
  }
};

TEST_CASE("invalidate: bit 63 of MOV CR3 keeps the new PCID's entries and is not stored") {
  InvalidateFixture f;
  f.LoadCr3(0x1001);
  f.TouchAsUser();
  f.LoadCr3(0x1002 | kKeep);
  CHECK_EQ(f.state.cr3, 0x1002);
  CHECK_FALSE(f.IsCachedForUser());
  f.LoadCr3(0x1001 | kKeep);
  CHECK(f.IsCachedForUser());
  f.LoadCr3(0x1001);
  CHECK_FALSE(f.IsCachedForUser());
}

TEST_CASE("invalidate: without PCIDE bit 63 of CR3 is reserved") {
  InvalidateFixture f;
  REQUIRE_FALSE(WriteControl(f.context, 4, kCr4Pae | kCr4Pge).raised);
  CHECK_EQ(WriteControl(f.context, 3, 0x1000 | kKeep).vector, Vector::kGp);
}

TEST_CASE("invalidate: changes of CR4 drop the entries of all PCIDs") {
  for (const u64 bit : {kCr4Pge, kCr4Smep, kCr4Smap}) {
    CAPTURE(bit);
    InvalidateFixture f;
    f.LoadCr3(0x1001);
    f.TouchAsUser();
    f.LoadCr3(0x1002);
    REQUIRE_FALSE(WriteControl(f.context, 4, f.state.cr4 ^ bit).raised);
    f.LoadCr3(0x1001 | kKeep);
    CHECK_FALSE(f.IsCachedForUser());
  }
}

TEST_CASE("invalidate: INVPCID types drop PCID 1, seen from PCID 2") {
  for (u64 type = 0; type < 4; ++type) {
    for (const u64 pcid : {u64{1}, u64{5}}) {
      CAPTURE(type);
      CAPTURE(pcid);
      InvalidateFixture f;
      f.LoadCr3(0x1001);
      f.TouchAsUser();
      f.LoadCr3(0x1002);
      REQUIRE_FALSE(InvalidatePcid(f.context, type, pcid, kPage).raised);
      f.LoadCr3(0x1001 | kKeep);
      CHECK_EQ(f.IsCachedForUser(), type < 2 && pcid == 5);
    }
  }
}

TEST_CASE("invalidate: INVPCID names what exists") {
  InvalidateFixture f;
  CHECK(InvalidatePcid(f.context, 4, 0, 0).raised);
  CHECK(InvalidatePcid(f.context, 1, 0x1000, 0).raised);
  CHECK(InvalidatePcid(f.context, 0, 1, u64{1} << 60).raised);
}

}  // namespace
}  // namespace tandem::cpu
