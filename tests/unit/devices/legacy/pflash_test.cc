#include "devices/legacy/pflash.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace tandem::devices {
namespace {

class MemoryImage final : public BlockImage {
 public:
  explicit MemoryImage(std::vector<std::byte>& bytes) : bytes_(bytes) {}
  u64 Size() const override { return bytes_.size(); }
  bool IsReadOnly() const override { return false; }
  int Read(u64 offset, std::span<std::byte> data) override {
    std::copy_n(bytes_.begin() + static_cast<long>(offset), data.size(), data.begin());
    return 0;
  }
  int Write(u64 offset, std::span<const std::byte> data) override {
    std::ranges::copy(data, bytes_.begin() + static_cast<long>(offset));
    return 0;
  }
  int Flush() override { return 0; }
  int Discard(u64, u64) override { return 0; }

 private:
  std::vector<std::byte>& bytes_;
};

struct Bench {
  std::vector<std::byte> image = std::vector<std::byte>(16384, std::byte{0x5a});
  std::shared_ptr<Pflash> flash = *Pflash::Create(std::make_unique<MemoryImage>(image));

  void Write(u64 offset, u8 value) {
    const std::byte byte{value};
    flash->Write(offset, {&byte, 1});
  }
  u8 Read(u64 offset) {
    std::byte byte{};
    flash->Read(offset, {&byte, 1});
    return static_cast<u8>(byte);
  }
};

TEST_CASE("pflash: firmware's probe finds flash, neither RAM nor ROM") {
  Bench bench;
  CHECK_EQ(bench.Read(0), 0x5a);
  bench.Write(0, 0x50);
  CHECK_EQ(bench.Read(0), 0x5a);
  bench.Write(0, 0x70);
  CHECK_EQ(bench.Read(0), 0);
  bench.Write(0, 0xff);
  CHECK_EQ(bench.Read(0), 0x5a);
}

TEST_CASE("pflash: a programmed byte is in the image at once") {
  Bench bench;
  bench.Write(100, 0x10);
  bench.Write(100, 0x33);
  CHECK_EQ(bench.Read(0), 0x80);
  bench.Write(0, 0xff);
  CHECK_EQ(bench.Read(100), 0x33);
  CHECK_EQ(bench.image[100], std::byte{0x33});
}

TEST_CASE("pflash: erasing blanks one block after its confirmation only") {
  Bench bench;
  bench.Write(5000, 0x20);
  bench.Write(5000, 0x00);
  CHECK_EQ(bench.image[5000], std::byte{0x5a});
  bench.Write(5000, 0x50);
  bench.Write(5000, 0x20);
  bench.Write(5000, 0xd0);
  CHECK_EQ(bench.image[4095], std::byte{0x5a});
  CHECK_EQ(bench.image[4096], std::byte{0xff});
  CHECK_EQ(bench.image[8191], std::byte{0xff});
  CHECK_EQ(bench.image[8192], std::byte{0x5a});
}

TEST_CASE("pflash: a buffered write at the end stops at the end") {
  Bench bench;
  bench.Write(16383, 0xe8);
  bench.Write(16383, 1);
  bench.Write(16383, 0x11);
  bench.Write(16383, 0x22);
  bench.Write(16383, 0xd0);
  CHECK_EQ(bench.image[16383], std::byte{0x11});
  CHECK_EQ(bench.image.size(), 16384);
}

TEST_CASE("pflash: the query names the Intel command set and the block size") {
  Bench bench;
  bench.Write(0, 0x98);
  CHECK_EQ(bench.Read(0x10), 'Q');
  CHECK_EQ(bench.Read(0x13), 1);
  CHECK_EQ(bench.Read(0x2d), 3);
  CHECK_EQ(bench.Read(0x2f), 16);
}

TEST_CASE("pflash: an odd size is refused") {
  std::vector<std::byte> image(5000);
  CHECK_FALSE(Pflash::Create(std::make_unique<MemoryImage>(image)).ok());
}

}  // namespace
}  // namespace tandem::devices
