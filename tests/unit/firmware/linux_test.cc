#include <lz4.h>
#include <zlib.h>

#include <algorithm>
#include <string>

#include "firmware/bzimage.h"
#include "firmware/decompress.h"
#include "tests/unit/firmware/test_board.h"

namespace tandem::firmware {
namespace {

Bytes Gzip(const Bytes& data) {
  Bytes out(data.size() + 128);
  z_stream stream{};
  REQUIRE_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<u8*>(const_cast<std::byte*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<u8*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

void Append(Bytes& bytes, u32 value) {
  const auto raw = std::as_bytes(std::span(&value, 1));
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

// As `lz4 -l` does it: blocks of 8 MiB; then the size, as the kernel's build appends it.
Bytes Lz4(const Bytes& data) {
  constexpr size_t kBlock = 8 << 20;
  Bytes out;
  Append(out, 0x184c2102);
  for (size_t at = 0; at < data.size(); at += kBlock) {
    const size_t size = std::min(kBlock, data.size() - at);
    Bytes block(static_cast<size_t>(LZ4_compressBound(static_cast<int>(size))));
    block.resize(static_cast<size_t>(LZ4_compress_default(
        reinterpret_cast<const char*>(data.data() + at), reinterpret_cast<char*>(block.data()),
        static_cast<int>(size), static_cast<int>(block.size()))));
    Append(out, static_cast<u32>(block.size()));
    out.insert(out.end(), block.begin(), block.end());
  }
  Append(out, static_cast<u32>(data.size()));
  return out;
}

Result<Bytes> Unpack(const Bytes& payload) {
  Bytes out;
  const Result<void> done = DecompressPayload(
      payload, {.begin = [&](std::span<const std::byte>, u64 size) {
                  out.resize(size);
                  return Result<void>();
                },
                .take = [&](u64 offset, std::span<const std::byte> piece) {
                  std::ranges::copy(piece, out.begin() + static_cast<long>(offset));
                }});
  return done ? Result<Bytes>(std::move(out)) : Result<Bytes>(done.error());
}

KernelFiles Files(Bytes kernel) {
  KernelFiles files;
  files.kernel_name = "vmlinuz";
  files.kernel = std::move(kernel);
  files.command_line = "console=ttyS0";
  return files;
}

// As the machine does it: what can be decompressed here is.
Result<DirectBoot> PlaceAndLoad(TestBoard& machine, KernelFiles files) {
  PlaceKernel(machine.space.View(), files);
  return LoadKernel(machine.space.View(), machine.board, files);
}

bool Mentions(const Error& error, const std::string& text) {
  return error.message.find(text) != std::string::npos;
}

TEST_CASE("linux: a gzip payload is decompressed here and entered in long mode") {
  TestBoard machine(64);
  const auto boot =
      PlaceAndLoad(machine, Files(SmallBzImage(Gzip(SmallElf(0x1000000, 0x1000004)))));
  REQUIRE(boot.ok());
  CHECK_EQ(boot->entry.kind, EntryKind::kLinux64);
  CHECK_EQ(boot->entry.rip, 0x1000004);
  CHECK_EQ(boot->entry.rsi, kBootParamsAddress);
  CHECK_EQ(std::memcmp(machine.At(0x1000000), "kernel code", 11), 0);
}

TEST_CASE("linux: the page tables map the first 4 GiB one to one") {
  TestBoard machine(64);
  const auto boot = LoadKernel(machine.space.View(), machine.board, Files(SmallBzImage()));
  REQUIRE(boot.ok());
  const u64 pml4 = LoadLe<u64>(machine.At(boot->entry.cr3));
  const u64 pdpt = LoadLe<u64>(machine.At(AlignDown(pml4, 4096) + 3 * 8));
  CHECK_EQ(LoadLe<u64>(machine.At(AlignDown(pdpt, 4096) + 511 * 8)), 0xffe00083);
}

TEST_CASE("linux: an unknown payload leaves decompression to the guest") {
  TestBoard machine(64);
  const Bytes junk(64, std::byte{0x77});
  const auto boot = PlaceAndLoad(machine, Files(SmallBzImage(junk)));
  REQUIRE(boot.ok());
  CHECK_EQ(boot->entry.rip, 0x1000200);
  CHECK_EQ(static_cast<u8>(*machine.At(0x1000000)), 0x90);
}

TEST_CASE("linux: a placed kernel that the ACPI tables overwrite is left to the guest's decompressor") {
  TestBoard machine(64);
  KernelFiles files = Files(SmallBzImage(Gzip(SmallElf(0x1000000, 0x1000004))));
  PlaceKernel(machine.space.View(), files);
  REQUIRE(files.placed.has_value());
  files.placed->end = u64{64} << 20;
  const auto boot = LoadKernel(machine.space.View(), machine.board, files);
  REQUIRE(boot.ok());
  CHECK_EQ(boot->entry.rip, 0x1000200);
}

TEST_CASE("linux: with too little memory for the preferred address the kernel goes lower") {
  TestBoard machine(16);
  const auto boot = LoadKernel(machine.space.View(), machine.board, Files(SmallBzImage()));
  REQUIRE(boot.ok());
  CHECK_EQ(boot->entry.rip, 0x200200);
}

TEST_CASE("linux: boot_params tell the command line, the initrd and the memory map") {
  TestBoard machine(64);
  KernelFiles files = Files(SmallBzImage());
  files.initrd = Bytes(5000, std::byte{0x42});
  REQUIRE(LoadKernel(machine.space.View(), machine.board, files).ok());
  const std::byte* params = machine.At(kBootParamsAddress);
  CHECK_EQ(std::string(reinterpret_cast<const char*>(machine.At(LoadLe<u32>(params + 0x228)))),
           "console=ttyS0");
  CHECK_EQ(LoadLe<u32>(params + 0x21c), 5000);
  CHECK_EQ(static_cast<u8>(*machine.At(LoadLe<u32>(params + 0x218) + 4999)), 0x42);
  CHECK_GE(static_cast<u8>(params[0x1e8]), 5);
  CHECK_EQ(LoadLe<u64>(params + 0x70), kBiosRomAddress);
}

TEST_CASE("linux: a truncated bzImage is refused by name") {
  TestBoard machine(64);
  Bytes image = SmallBzImage();
  for (const size_t size : {size_t{0x210}, size_t{0x400}, image.size() - 100}) {
    image.resize(size);
    const auto boot = PlaceAndLoad(machine, Files(image));
    REQUIRE_FALSE(boot.ok());
    CHECK(Mentions(boot.error(), "vmlinuz"));
    image = SmallBzImage();
  }
}

TEST_CASE("linux: absurd header fields never reach outside the file") {
  TestBoard machine(64);
  Bytes image = SmallBzImage(Bytes(64));
  StoreLe<u32>(&image[0x248], 0xfffffff0);
  StoreLe<u32>(&image[0x24c], 0xffffffff);
  CHECK_FALSE(BzImage::Parse(image, "x")->Payload().has_value());
  StoreLe<u32>(&image[0x260], 0xffffffff);
  const auto boot = PlaceAndLoad(machine, Files(image));
  CHECK(boot.ok());
}

TEST_CASE("linux: an initrd larger than memory names itself") {
  TestBoard machine(32);
  KernelFiles files = Files(SmallBzImage());
  files.initrd_option = "big.img";
  files.initrd = Bytes(u64{40} << 20);
  const auto boot = LoadKernel(machine.space.View(), machine.board, files);
  REQUIRE_FALSE(boot.ok());
  CHECK(Mentions(boot.error(), "big.img"));
}

TEST_CASE("linux: a command line longer than the kernel takes is an error") {
  TestBoard machine(64);
  KernelFiles files = Files(SmallBzImage());
  files.command_line = std::string(3000, 'x');
  const auto boot = LoadKernel(machine.space.View(), machine.board, files);
  REQUIRE_FALSE(boot.ok());
  CHECK(Mentions(boot.error(), "2047"));
}

TEST_CASE("decompress: a damaged payload is an error") {
  const Bytes plain(100000, std::byte{7});
  for (Bytes packed : {Gzip(plain), Lz4(plain)}) {
    const Result<Bytes> unpacked = Unpack(packed);
    REQUIRE(unpacked.ok());
    CHECK_EQ(*unpacked, plain);
    std::fill(packed.begin() + 20, packed.end() - 4, std::byte{0xff});
    CHECK_FALSE(Unpack(packed).ok());
  }
}

TEST_CASE("decompress: the blocks of lz4 come out in their places") {
  Bytes plain(size_t{20} << 20);
  for (size_t i = 0; i < plain.size(); ++i) {
    plain[i] = static_cast<std::byte>(i >> 12);
  }
  const Bytes packed = Lz4(plain);
  const Result<Bytes> unpacked = Unpack(packed);
  REQUIRE(unpacked.ok());
  CHECK(*unpacked == plain);
  Bytes cut = packed;
  cut.erase(cut.begin() + 1000, cut.end() - 4);
  CHECK_FALSE(Unpack(cut).ok());
}

TEST_CASE("decompress: what the receiver does not want is not unpacked") {
  const PayloadSink refuses{
      .begin = [](std::span<const std::byte>, u64) { return Result<void>(Error{"no"}); },
      .take = [](u64, std::span<const std::byte>) { FAIL("taken"); }};
  CHECK_EQ(DecompressPayload(Lz4(Bytes(1000, std::byte{1})), refuses).error().message, "no");
}

TEST_CASE("kernel: what is no kernel is refused by name") {
  TestBoard machine(64);
  const auto boot = LoadKernel(machine.space.View(), machine.board, Files(Bytes(100)));
  REQUIRE_FALSE(boot.ok());
  CHECK(Mentions(boot.error(), "vmlinuz"));
}

}  // namespace
}  // namespace tandem::firmware
