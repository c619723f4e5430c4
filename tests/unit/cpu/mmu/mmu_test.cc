#include "cpu/mmu/mmu.h"

#include <doctest/doctest.h>

#include "tests/unit/cpu/mmu/fixture.h"

namespace tandem::cpu {
namespace {

TEST_CASE("mmu: without paging addresses are physical") {
  MmuFixture f;
  CHECK_FALSE(f.mmu->Write(Gva(0x1ffe), u32{0x11223344}).raised);
  CHECK_EQ(f.Get<u32>(0x1ffe), 0x11223344);
}

TEST_CASE("mmu: a write across pages of which the second faults changes nothing") {
  MmuFixture f;
  f.EnterLongMode(0x9067);
  f.Put<u32>(0x9ffc, 0xaaaaaaaa);
  const Fault fault = f.mmu->Write(Gva(0x5ffe), u32{0});
  CHECK_EQ(fault.vector, Vector::kPf);
  CHECK_EQ(fault.address, 0x6000);
  CHECK_EQ(f.Get<u32>(0x9ffc), 0xaaaaaaaa);
}

TEST_CASE("mmu: devices are reached, and a faulting access does not read them") {
  MmuFixture f;
  u32 value = 0;
  CHECK_FALSE(f.mmu->Read(Gva(MmuFixture::kDeviceAt), value).raised);
  CHECK_EQ(value, 0x55);
  CHECK_FALSE(f.mmu->Write(Gva(MmuFixture::kDeviceAt + 4), u16{0x1234}).raised);
  CHECK_EQ(f.device->last_write, 0x1234);
  CHECK_EQ(f.device->reads, 1);
}

TEST_CASE("mmu: ROM is read and executed in place, writes are dropped") {
  MmuFixture f;
  const Gva rom(MmuFixture::kRomAt);
  f.rom->data()[0] = std::byte{0x90};
  u8 value = 0;
  CHECK_FALSE(f.mmu->Write(rom, u8{1}).raised);
  CHECK_FALSE(f.mmu->Read(rom, value).raised);
  CHECK_FALSE(f.mmu->Write(rom, u8{1}).raised);
  CHECK_EQ(value, 0x90);
  CHECK_EQ(f.rom->data()[0], std::byte{0x90});
  CodePage page;
  CHECK_FALSE(f.mmu->Fetch(rom + 5, page).raised);
  CHECK_EQ(page.host, f.rom->data());
  CHECK_EQ(page.gpa.value, MmuFixture::kRomAt);
}

TEST_CASE("mmu: the local APIC's page follows IA32_APIC_BASE") {
  MmuFixture f;
  u32 value = 0;
  CHECK_FALSE(f.mmu->Read(Gva(0xfee00030), value).raised);
  CHECK_EQ(value, 0xa0000030);
  CHECK_FALSE(f.mmu->Write(Gva(0xfee000b0), u32{7}).raised);
  CHECK_EQ(f.apic.written_offset, 0xb0);
  f.apic.base = 0xfee00d00;  // x2APIC: no page
  f.mmu->ApicBaseChanged();
  CHECK_FALSE(f.mmu->Read(Gva(0xfee00030), value).raised);
  CHECK_EQ(value, 0xffffffff);
}

TEST_CASE("mmu: writes to pages that hold code are reported each time") {
  MmuFixture f;
  f.code.code_page = Gpa(0x7000);
  CHECK_FALSE(f.mmu->Write(Gva(0x7010), u8{1}).raised);
  CHECK_FALSE(f.mmu->Write(Gva(0x7020), u8{1}).raised);
  CHECK_EQ(f.code.writes, std::vector<u64>{0x7010, 0x7020});
  std::byte* host = nullptr;
  bool must_report = false;
  CHECK_FALSE(f.mmu->PinForUpdate(Gva(0x7030), 4, host, must_report).raised);
  CHECK(host != nullptr);
  CHECK(must_report);
  f.mmu->ReportUpdate(Gva(0x7030), 4);
  CHECK_EQ(f.code.writes, std::vector<u64>{0x7010, 0x7020, 0x7030});
}

TEST_CASE("mmu: an update across scattered pages is pinned in both") {
  MmuFixture f;
  f.EnterLongMode(0x5067);
  f.Put<u64>(0x4000, 0x8067);  // linear 0 and 0x1000: not side by side
  f.Put<u64>(0x4008, 0x6067);
  f.Refresh();
  f.Put<u32>(0x8ffc, 0x44332211);
  f.Put<u32>(0x6000, 0x88776655);
  for (int round = 0; round < 2; ++round) {
    std::byte* host = nullptr;
    bool must_report = true;
    REQUIRE_FALSE(f.mmu->PinForUpdate(Gva(0xffe), 4, host, must_report).raised);
    REQUIRE(host != nullptr);
    CHECK_FALSE(must_report);
    CHECK_EQ(LoadLe<u32>(host), round == 0 ? 0x66554433 : 0x0a0b0c0d);
    StoreLe<u32>(host, 0x0a0b0c0d);
  }
  CHECK_EQ(f.Get<u32>(0x8ffc), 0x0c0d2211);
  CHECK_EQ(f.Get<u32>(0x6000), 0x88770a0b);
  f.code.code_page = Gpa(0x6000);
  f.Refresh();
  std::byte* host = nullptr;
  bool must_report = false;
  CHECK_FALSE(f.mmu->PinForUpdate(Gva(0xffe), 4, host, must_report).raised);
  CHECK(host != nullptr);
  CHECK(must_report);
  f.mmu->ReportUpdate(Gva(0xffe), 4);
  CHECK_EQ(f.code.writes, std::vector<u64>{0x6000});
}

TEST_CASE("mmu: a page that becomes code loses its cached right to write") {
  MmuFixture f;
  CHECK_FALSE(f.mmu->Write(Gva(0x7010), u8{1}).raised);
  f.code.code_page = Gpa(0x7000);
  f.mmu->DropWriteTags(Gpa(0x7000));
  CHECK_FALSE(f.mmu->Write(Gva(0x7010), u8{2}).raised);
  CHECK_EQ(f.code.writes.size(), 1);
}

TEST_CASE("mmu: dirty pages are logged, also after the log was taken") {
  MmuFixture f;
  CHECK_FALSE(f.mmu->Write(Gva(0x3000), u8{1}).raised);
  f.ram->SetDirtyLogging(true);
  f.memory.NotifyDirtyLogChanged();
  f.mmu->ServeFlushRequest();
  u8 value = 0;
  CHECK_FALSE(f.mmu->Read(Gva(0x4000), value).raised);
  CHECK_FALSE(f.mmu->Write(Gva(0x3000), u8{1}).raised);
  CHECK_EQ(f.ram->TakeDirty()[0], 1u << 3);
  f.memory.NotifyDirtyLogChanged();
  f.mmu->ServeFlushRequest();
  CHECK_FALSE(f.mmu->Write(Gva(0x3000), u8{1}).raised);
  CHECK_EQ(f.ram->TakeDirty()[0], 1u << 3);
}

TEST_CASE("mmu: a changed memory map is seen once the flush is served") {
  MmuFixture f;
  const auto other = *devices::RamBlock::Create("other", 0x1000);
  other->data()[0] = std::byte{9};
  u8 value = 0;
  CHECK_FALSE(f.mmu->Read(Gva(0x2000), value).raised);
  REQUIRE(f.memory.MapRam(Gpa(0x2000), 0x1000, other, 0, false, {.priority = 1}).ok());
  CHECK(f.mmu->FlushIsRequested());
  f.mmu->ServeFlushRequest();
  CHECK_FALSE(f.mmu->Read(Gva(0x2000), value).raised);
  CHECK_EQ(value, 9);
}

TEST_CASE("mmu: INVLPG of one part of a large page drops all of it") {
  MmuFixture f;
  f.EnterLongMode(0);
  f.Put<u64>(0x3008, 0x200087);
  f.Put<u8>(0x201000, 1);
  f.Put<u8>(0x1000 + 0x2000, f.Get<u8>(0x3000));
  f.Refresh();
  u8 value = 0;
  CHECK_FALSE(f.mmu->Read(Gva(0x201000), value).raised);
  f.Put<u64>(0x3008, 0);
  f.mmu->FlushPage(Gva(0x3ff000));
  CHECK(f.mmu->Read(Gva(0x201000), value).raised);
}

TEST_CASE("mmu: the generation counter of the tags wraps without stale hits") {
  MmuFixture f;
  f.EnterLongMode(0x9067);
  u8 value = 0;
  CHECK_FALSE(f.mmu->Read(Gva(0x5000), value).raised);
  f.Put<u64>(0x4028, 0);
  for (int i = 0; i < 4095; ++i) {
    f.mmu->FlushAll();
  }
  CHECK(f.mmu->Read(Gva(0x5000), value).raised);
}

TEST_CASE("mmu: data breakpoints set pending DR6 bits on overlapping accesses only") {
  MmuFixture f;
  f.state.dr[1] = 0x6004;
  f.state.dr7 = 0x400 | 1u << 2 | 0xdu << 20;  // L1, 4 bytes, writes
  f.Refresh();
  u32 value = 0;
  CHECK_FALSE(f.mmu->Write(Gva(0x6008), u32{1}).raised);
  CHECK_FALSE(f.mmu->Read(Gva(0x6004), value).raised);
  CHECK_EQ(f.state.pending_dr6, 0);
  CHECK_FALSE(f.mmu->Write(Gva(0x6007), u8{1}).raised);
  CHECK_EQ(f.state.pending_dr6, 2);
}

TEST_CASE("mmu: alignment is checked at CPL 3 with AM and AC") {
  MmuFixture f;
  f.state.cr0 |= kCr0Am;
  f.state.rflags |= kFlagAc;
  f.mmu->UpdateMode();
  CHECK_FALSE(f.mmu->Write(Gva(0x3001), u32{1}).raised);
  f.state.cpl = 3;
  f.mmu->UpdateMode();
  CHECK_EQ(f.mmu->Write(Gva(0x3001), u32{1}).vector, Vector::kAc);
  CHECK_FALSE(f.mmu->Write(Gva(0x3004), u32{1}).raised);
}

TEST_CASE("mmu: system accesses ignore the CPL") {
  MmuFixture f;
  f.EnterLongMode(0x9063);
  f.state.cpl = 3;
  f.Refresh();
  std::array<std::byte, 8> bytes{};
  CHECK_FALSE(f.mmu->ReadSystem(Gva(0x5000), bytes).raised);
  CHECK(f.mmu->ReadBytes(Gva(0x5000), bytes).raised);
}

TEST_CASE("mmu: host spans are given for plain memory only") {
  MmuFixture f;
  CHECK_EQ(f.mmu->HostSpan(Gva(0x3010), AccessKind::kWrite), f.ram->data() + 0x3010);
  CHECK_EQ(f.mmu->HostSpan(Gva(MmuFixture::kDeviceAt), AccessKind::kRead), nullptr);
  CHECK_EQ(f.mmu->HostSpan(Gva(MmuFixture::kRomAt), AccessKind::kWrite), nullptr);
  CHECK_NE(f.mmu->HostSpan(Gva(MmuFixture::kRomAt), AccessKind::kRead), nullptr);
}

TEST_CASE("mmu: the storage holds what emitted code looks for") {
  MmuFixture f;
  f.EnterLongMode(0x9067);
  f.state.cpl = 3;
  f.Refresh();
  u8 value = 0;
  REQUIRE_FALSE(f.mmu->Read(Gva(0x5004), value).raised);
  const TlbEntry& entry = f.tlb->banks[kUserBank][5];
  CHECK_EQ(entry.read_tag, 0x5000 | f.tlb->generations[kUserBank]);
  CHECK_EQ(entry.addend + 0x5004, reinterpret_cast<u64>(f.ram->data() + 0x9004));
  CHECK_EQ(f.tlb->banks[kSupervisorBank][5].read_tag, kNoTag);
  CHECK_EQ(f.tlb->banks[kNeverBank][5].read_tag, kNoTag);
}

}  // namespace
}  // namespace tandem::cpu
