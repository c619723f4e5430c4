#include "jit/unit/region.h"
#include "jit/x64/register_homes.h"
#include "jit/x64/thunks.h"
#include "tests/unit/jit/code_bytes.h"

#undef CHECK
#include <doctest/doctest.h>

namespace tandem::jit {
namespace {

Homes HomesOf(std::initializer_list<int> bytes) {
  CodeBytes code;
  code.Put(0, bytes);
  return ChooseHomes(
      ReadRegion(LongMode(), MaxModel(), code, 0, RegionKind::kEverything));
}

TEST_CASE("homes: exchanges are kept through packing and are their own inverse") {
  Homes homes;
  CHECK(homes.IsDefault());
  homes.Exchange(1, cpu::kRbx);  // R14 and RBX
  CHECK_EQ(homes.Of(14), cpu::kRbx);
  CHECK_EQ(homes.Of(cpu::kRbx), 14);
  CHECK(homes.InMemory(cpu::kRbx));
  CHECK(!homes.InMemory(14));
  CHECK(Homes::Unpack(homes.Pack()) == homes);
  std::array<u64, 17> gpr{};
  gpr[14] = 1;
  gpr[cpu::kRbx] = 2;
  homes.Rearrange(gpr.data());
  CHECK_EQ(gpr[14], 2);
  homes.Rearrange(gpr.data());
  CHECK_EQ(gpr[14], 1);
}

TEST_CASE("homes: a used register gets the place of an unused one") {
  const Homes homes = HomesOf({0x4d, 0x01, 0xfe, 0xeb, 0xfb});  // add r14, r15; jmp back
  CHECK(!homes.InMemory(14));
  CHECK(!homes.InMemory(15));
  CHECK(homes.InMemory(11));
}

TEST_CASE("homes: no exchange that ways out of the region cost more than it saves") {
  // add r14, r15; call rax; jmp back
  const Homes homes = HomesOf({0x4d, 0x01, 0xfe, 0xff, 0xd0, 0xeb, 0xf9});
  CHECK(homes.IsDefault());
}

TEST_CASE("homes: registers that an instruction means without naming them stay") {
  // shl r14, cl; mul r15; mov ah, bh; push rbp
  const Homes homes = HomesOf({0x49, 0xd3, 0xe6, 0x49, 0xf7, 0xe7, 0x88, 0xfc, 0x55, 0xf4});
  for (const u8 fixed : {cpu::kRax, cpu::kRbx, cpu::kRcx, cpu::kRdx, cpu::kRsp}) {
    CHECK_EQ(homes.Of(fixed), fixed);
  }
}

TEST_CASE("records of emitted code survive packing") {
  Homes homes;
  homes.Exchange(0, cpu::kRsi);
  const SiteRecord site = SiteRecord::Unpack(SiteRecord{-20, homes}.Pack());
  CHECK_EQ(site.offset, -20);
  CHECK(site.homes == homes);
  CHECK(!SiteRecord::Holds(0x8000));
}

}  // namespace
}  // namespace tandem::jit
