#include "devices/bus/fill_ram.h"

#include <sys/stat.h>

#include <algorithm>
#include <thread>
#include <vector>

#undef CHECK
#include <doctest/doctest.h>

namespace tandem::devices {
namespace {

constexpr u64 kPage = 4096;
constexpr u64 kSize = 1 << 20;

std::shared_ptr<RamBlock> MakeRam() {
  std::shared_ptr<RamBlock> ram = *RamBlock::Create("test", kSize);
  std::ranges::fill(ram->bytes(), std::byte{0xee});
  return ram;
}

// Bytes with pages of zeros between others.
std::vector<std::byte> MakeData(size_t size) {
  std::vector<std::byte> data(size);
  for (size_t i = 0; i < size; ++i) {
    data[i] = i / (3 * kPage) % 2 == 0 ? static_cast<std::byte>(i * 7 + 1) : std::byte{0};
  }
  return data;
}

bool AllAre(std::span<const std::byte> bytes, std::byte value) {
  return std::ranges::all_of(bytes, [&](std::byte byte) { return byte == value; });
}

TEST_CASE("memory holds what it was filled with, and nothing around it changes") {
  for (const u64 offset : {u64{0}, u64{1}, kPage, 3 * kPage + 100}) {
    for (const size_t size : {size_t{0}, size_t{5}, size_t{70000}, size_t{40 * kPage}, size_t{50 * kPage + 7}}) {
      const auto ram = MakeRam();
      const std::vector<std::byte> data = MakeData(size);
      FillRam(*ram, offset, data);
      CHECK(std::ranges::equal(ram->bytes().subspan(offset, size), data));
      CHECK(AllAre(ram->bytes().first(offset), std::byte{0xee}));
      CHECK(AllAre(ram->bytes().subspan(offset + size), std::byte{0xee}));
    }
  }
}

TEST_CASE("two threads fill a block at the same time") {
  constexpr u64 kHalf = u64{8} << 20;
  const std::shared_ptr<RamBlock> ram = *RamBlock::Create("test", 2 * kHalf);
  std::vector<std::byte> data(kHalf);
  for (size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<std::byte>(i / 251 + 1);
  }
  {
    const std::jthread other([&] { FillRam(*ram, kHalf, data); });
    FillRam(*ram, 0, data);
  }
  CHECK(std::ranges::equal(ram->bytes().first(kHalf), data));
  CHECK(std::ranges::equal(ram->bytes().subspan(kHalf), data));
}

TEST_CASE("cleared memory reads as zeros, and nothing around it changes") {
  for (const u64 offset : {u64{0}, u64{1}, kPage + 5}) {
    for (const u64 length : {u64{0}, u64{9}, kPage, 20 * kPage + 3}) {
      const auto ram = MakeRam();
      ClearRam(*ram, offset, length);
      CHECK(AllAre(ram->bytes().subspan(offset, length), std::byte{0}));
      CHECK(AllAre(ram->bytes().first(offset), std::byte{0xee}));
      CHECK(AllAre(ram->bytes().subspan(offset + length), std::byte{0xee}));
    }
  }
}

TEST_CASE("pages of zeros take no memory") {
  const std::shared_ptr<RamBlock> ram = *RamBlock::Create("test", kSize);
  FillRam(*ram, 0, std::vector<std::byte>(kSize));
  struct stat info {};
  REQUIRE_EQ(::fstat(ram->fd(), &info), 0);
  CHECK_EQ(info.st_blocks, 0);
}

TEST_CASE("what is filled or cleared is dirty") {
  const auto ram = MakeRam();
  ram->SetDirtyLogging(true);
  FillRam(*ram, 2 * kPage, MakeData(20 * kPage));
  CHECK_EQ(ram->TakeDirty()[0], ((u64{1} << 20) - 1) << 2);
  ClearRam(*ram, kPage - 1, 2);
  CHECK_EQ(ram->TakeDirty()[0], 3);
}

}  // namespace
}  // namespace tandem::devices
