// The memory map as the guest sees it, while it runs.
#include "base/bits.h"
#include "tests/accel/rig.h"

namespace tandem::accel::tests {
namespace {

// mov eax, 0x1234; ret - and the word that the guest of `map` waits for.
void MakeTarget(devices::RamBlock& block, u64 at = 0) {
  constexpr u8 kCode[] = {0xb8, 0x34, 0x12, 0x00, 0x00, 0xc3};
  std::copy(std::begin(kCode), std::end(kCode), reinterpret_cast<u8*>(block.data() + at));
  StoreLe<u32>(block.data() + at + 0xffc, 0x600d);
}

std::shared_ptr<devices::RamBlock> MakeBlock(u64 size) {
  return *devices::RamBlock::Create("block", size);
}

}  // namespace

ENGINE_TEST("memory that is mapped over other memory while the guest runs is seen at once") {
  Rig rig(engine, "map");
  const auto block = MakeBlock(kPageSize);
  MakeTarget(*block);
  rig.Start();
  REQUIRE_EQ(rig.reports->WaitFor(1), "S");
  REQUIRE(rig.memory.MapRam(Gpa(0x30000), kPageSize, block, 0, false, {.priority = 1}).ok());
  CHECK_EQ(rig.reports->WaitFor(2), "SG");
}

ENGINE_TEST("memory that was mapped over others and taken away shows what was there") {
  Rig rig(engine, "map");
  const auto block = MakeBlock(kPageSize);
  const auto id = rig.memory.MapRam(Gpa(0x30000), kPageSize, block, 0, false, {.priority = 1});
  REQUIRE(id.ok());
  MakeTarget(*rig.ram, 0x30000);
  rig.Start();
  REQUIRE_EQ(rig.reports->WaitFor(1), "S");
  rig.memory.Unmap(*id);
  CHECK_EQ(rig.reports->WaitFor(2), "SG");
}

ENGINE_TEST("the map can be changed again and again below a running guest") {
  Rig rig(engine, "count");
  const u32 count = IsKvm(engine) ? 30'000 : 3'000'000;
  rig.SetWord(Rig::kResult + 4, count);
  const auto block = MakeBlock(16 * kPageSize);
  rig.Start();
  REQUIRE(rig.reports->WaitFor(1).starts_with("S"));
  for (int round = 0; round < 50; ++round) {
    const auto id =
        rig.memory.MapRam(Gpa(0x30000), 8 * kPageSize, block, 0, false, {.priority = 1});
    REQUIRE(id.ok());
    rig.memory.SetReadOnly(*id, true);
    rig.memory.Move(*id, Gpa(0x34000));
    rig.memory.Unmap(*id);
  }
  CHECK_EQ(rig.reports->WaitFor(2), "SG");
  CHECK_EQ(rig.Word(Rig::kResult), count);
}

ENGINE_TEST("writes to ROM are dropped, and it can be read and copied") {
  Rig rig(engine, "rom");
  const auto rom = MakeBlock(kPageSize);
  std::fill_n(rom->data(), 0x200, std::byte{0xaa});
  REQUIRE(rig.memory.MapRam(Gpa(0x20000), kPageSize, rom, 0, true, {.priority = 1}).ok());
  rig.Start();
  CHECK_EQ(rig.reports->WaitFor(1), "G");
  CHECK_EQ(rom->data()[0], std::byte{0xaa});
}

ENGINE_TEST("exactly the written pages are dirty, once") {
  Rig rig(engine, "dirty");
  rig.ram->SetDirtyLogging(true);
  rig.memory.NotifyDirtyLogChanged();
  rig.Start();
  REQUIRE_EQ(rig.reports->WaitFor(1), "G");
  rig.run.Pause();
  rig.memory.CollectDirty();
  const std::vector<u64> dirty = rig.ram->TakeDirty();
  rig.memory.NotifyDirtyLogChanged();
  for (u64 page = 0; page < Rig::kRamSize / kPageSize; ++page) {
    CAPTURE(page);
    // The descriptors at 0x4000 may have been marked as accessed.
    const bool is_written = page == 0x40 || page == 0x42 || page == 0x43;
    if (page != 4) {
      CHECK_EQ(Bit(dirty[page / 64], page % 64), is_written);
    }
  }
  rig.memory.CollectDirty();
  CHECK_EQ(rig.ram->TakeDirty()[1], 0);
  rig.SetState(rig.StartState());
  rig.Start();
  REQUIRE_EQ(rig.reports->WaitFor(2), "GG");
  rig.run.Pause();
  rig.memory.CollectDirty();
  CHECK_EQ(rig.ram->TakeDirty()[1], 0xd);
}

ENGINE_TEST("nothing is dirty without logging") {
  Rig rig(engine, "dirty");
  rig.Start();
  REQUIRE_EQ(rig.reports->WaitFor(1), "G");
  rig.run.Pause();
  rig.memory.CollectDirty();
  for (const u64 word : rig.ram->TakeDirty()) {
    CHECK_EQ(word, 0);
  }
}

}  // namespace tandem::accel::tests
