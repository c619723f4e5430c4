#include "devices/ide/piix3_ide.h"

#include <doctest/doctest.h>

#include "tests/unit/devices/ide/ide_bench.h"

namespace tandem::devices {
namespace {

constexpr u8 kReadyNow = 0x50;
constexpr u8 kDataNow = 0x58;

TEST_CASE("ide: IDENTIFY DEVICE gives the number of sectors and the serial number") {
  IdeBench bench(false);
  bench.Out(0x1f6, 0xa0);
  bench.Out(0x1f7, 0xec);
  CHECK(bench.irqs.lines[14]);
  REQUIRE_EQ(bench.In(0x1f7), kDataNow);
  CHECK_FALSE(bench.irqs.lines[14]);
  const auto data = bench.TakeData(512);
  CHECK_EQ(LoadLe<u32>(&data[120]), 64);
  CHECK_EQ(static_cast<char>(data[21]), 'Q');
  CHECK_EQ(bench.In(0x1f7), kReadyNow);
}

TEST_CASE("ide: READ SECTORS is busy until the disk answers, then hands out each sector") {
  IdeBench bench(false);
  bench.Lba(3, 2);
  bench.Out(0x1f7, 0x20);
  CHECK_EQ(bench.In(0x3f6), 0x80);
  bench.Settle();
  CHECK_EQ(bench.In(0x1f7), kDataNow);
  const auto data = bench.TakeData(512);
  CHECK(std::equal(data.begin(), data.end(), bench.disk.begin() + 3 * 512));
  CHECK(bench.irqs.lines[14]);
  (void)bench.TakeData(512);
  CHECK_EQ(bench.In(0x1f7), kReadyNow);
}

TEST_CASE("ide: WRITE SECTORS EXT reaches the disk sector by sector") {
  IdeBench bench(false);
  for (const u8 high : {1, 0}) {
    bench.Lba(high != 0 ? 0 : 5, high != 0 ? 0 : 2);
  }
  bench.Out(0x1f7, 0x34);
  for (int i = 0; i < 512; ++i) {
    bench.Out(0x1f0, 0xabcd, 2);
    bench.Settle();
  }
  CHECK_EQ(bench.In(0x1f7), kReadyNow);
  CHECK_EQ(bench.disk[5 * 512], std::byte{0xcd});
  CHECK_EQ(bench.disk[7 * 512 - 1], std::byte{0xab});
}

TEST_CASE("ide: READ DMA fills guest memory and raises the interrupt") {
  IdeBench bench(false);
  bench.Lba(1, 2);
  bench.Out(0x1f7, 0xc8);
  bench.StartDma(0x4000, 1024, true);
  bench.Settle();
  CHECK(bench.irqs.lines[14]);
  CHECK_EQ(bench.In(0xc002) & 7, 4);
  CHECK(
      std::equal(bench.ram->data() + 0x4000, bench.ram->data() + 0x4400, bench.disk.begin() + 512));
  CHECK_EQ(bench.In(0x1f7), kReadyNow);
}

TEST_CASE("ide: WRITE DMA takes guest memory to the disk") {
  IdeBench bench(false);
  std::fill_n(bench.ram->data() + 0x4000, 512, std::byte{0x77});
  bench.Lba(9, 1);
  bench.Out(0x1f7, 0xca);
  bench.StartDma(0x4000, 512, false);
  bench.Settle();
  CHECK_EQ(bench.disk[9 * 512 + 511], std::byte{0x77});
  CHECK_EQ(bench.In(0x1f7), kReadyNow);
}

TEST_CASE("ide: DMA to where no memory is ends with an error") {
  IdeBench bench(false);
  bench.Lba(1, 1);
  bench.Out(0x1f7, 0xc8);
  bench.StartDma(0xf0000000, 512, true);
  bench.Settle();
  CHECK_EQ(bench.In(0xc002) & 2, 2);
  CHECK_EQ(bench.In(0x1f7) & 1, 1);
}

TEST_CASE("ide: a descriptor table that is too short ends with an error") {
  IdeBench bench(false);
  bench.Lba(1, 4);
  bench.Out(0x1f7, 0xc8);
  bench.StartDma(0x4000, 512, true);
  bench.Settle();
  CHECK_EQ(bench.In(0x1f7) & 1, 1);
}

TEST_CASE("ide: sectors beyond the end are not found") {
  IdeBench bench(false);
  bench.Lba(63, 2);
  bench.Out(0x1f7, 0x20);
  CHECK_EQ(bench.In(0x1f7), 0x51);
  CHECK_EQ(bench.In(0x1f1), 0x10);
}

TEST_CASE("ide: TRIM discards the named ranges and refuses those outside") {
  IdeBench bench(false);
  StoreLe<u64>(bench.ram->data() + 0x4000, u64{2} << 48 | 10);
  const auto trim = [&] {
    bench.Out(0x1f1, 1);
    bench.Out(0x1f2, 0);
    bench.Lba(0, 1);
    bench.Out(0x1f7, 0x06);
    bench.Out(0xc000, 0);
    bench.StartDma(0x4000, 512, false);
    bench.Settle();
    return bench.In(0x1f7);
  };
  CHECK_EQ(trim(), kReadyNow);
  CHECK_EQ(bench.disk[10 * 512], std::byte{0});
  StoreLe<u64>(bench.ram->data() + 0x4000, u64{2} << 48 | 63);
  CHECK_EQ(trim(), 0x51);
}

TEST_CASE("ide: a completion that arrives after a reset is dropped") {
  IdeBench bench(false);
  bench.Lba(0, 1);
  bench.Out(0x1f7, 0x20);
  bench.Out(0x3f6, 4);
  CHECK_EQ(bench.In(0x3f6), 0x80);
  bench.Out(0x3f6, 0);
  bench.Settle();
  CHECK_EQ(bench.In(0x1f7), kReadyNow);
  CHECK_EQ(bench.In(0x1f4), 0);
}

TEST_CASE("ide: an absent drive reads as zero and SMART is aborted") {
  IdeBench bench(false);
  bench.Out(0x1f6, 0xb0);
  CHECK_EQ(bench.In(0x1f7), 0);
  bench.Out(0x1f6, 0xa0);
  bench.Out(0x1f7, 0xb0);
  CHECK_EQ(bench.In(0x1f1), 4);
}

TEST_CASE("ide: nIEN holds the interrupt back") {
  IdeBench bench(false);
  bench.Out(0x3f6, 2);
  bench.Out(0x1f7, 0xec);
  CHECK_FALSE(bench.irqs.lines[14]);
}

TEST_CASE("atapi: the signature and an aborted IDENTIFY DEVICE tell that it is no disk") {
  IdeBench bench(true);
  CHECK_EQ(bench.In(0x1f4), 0x14);
  CHECK_EQ(bench.In(0x1f5), 0xeb);
  bench.Out(0x1f7, 0xec);
  CHECK_EQ(bench.In(0x1f7) & 1, 1);
  CHECK_EQ(bench.In(0x1f4), 0x14);
}

TEST_CASE("atapi: READ(10) by PIO comes in blocks of at most the byte limit") {
  IdeBench bench(true);
  bench.Packet({0x28, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0}, 2048);
  bench.Settle();
  for (int block = 0; block < 2; ++block) {
    REQUIRE_EQ(bench.In(0x1f7), kDataNow);
    CHECK_EQ(bench.In(0x1f4) | bench.In(0x1f5) << 8, 2048);
    CHECK_EQ(bench.In(0x1f2), 2);
    const auto data = bench.TakeData(2048);
    CHECK(std::equal(data.begin(), data.end(), bench.disk.begin() + (block + 1) * 2048));
  }
  CHECK_EQ(bench.In(0x1f2), 3);
  CHECK_EQ(bench.In(0x1f7), kReadyNow);
}

TEST_CASE("atapi: READ(12) by DMA") {
  IdeBench bench(true);
  bench.Packet({0xa8, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0}, 0, true);
  bench.StartDma(0x8000, 2048, true);
  bench.Settle();
  CHECK(std::equal(bench.ram->data() + 0x8000, bench.ram->data() + 0x8800,
                   bench.disk.begin() + 4096));
  CHECK_EQ(bench.In(0x1f7), kReadyNow);
}

TEST_CASE("atapi: blocks beyond the end are an illegal request, whatever the count") {
  IdeBench bench(true);
  bench.Packet({0xa8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0});
  CHECK_EQ(bench.In(0x1f7), 0x51);
  CHECK_EQ(bench.In(0x1f1) >> 4, 5);
  bench.Packet({0x03, 0, 0, 0, 18, 0, 0, 0, 0, 0, 0, 0});
  const auto sense = bench.TakeData(18);
  CHECK_EQ(sense[2], std::byte{5});
  CHECK_EQ(sense[12], std::byte{0x21});
}

TEST_CASE("atapi: an empty drive says that there is no medium") {
  IdeBench bench(true, 64, false);
  bench.Packet({0});
  CHECK_EQ(bench.In(0x1f1) >> 4, 2);
  bench.Packet({0x12, 0, 0, 0, 36});
  CHECK_EQ(bench.TakeData(36)[0], std::byte{5});
}

TEST_CASE("atapi: READ CAPACITY and READ TOC describe one data track") {
  IdeBench bench(true);
  bench.Packet({0x25});
  CHECK_EQ(bench.TakeData(8)[3], std::byte{15});
  for (const u8 format : {0, 1, 2}) {
    bench.Packet({0x43, 0, format, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0});
    const size_t length = bench.In(0x1f4) | bench.In(0x1f5) << 8;
    const auto toc = bench.TakeData(length);
    CHECK_EQ(static_cast<size_t>(toc[1]) + 2, length);
  }
}

}  // namespace
}  // namespace tandem::devices
