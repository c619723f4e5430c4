#include <zlib.h>

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

KernelFiles Files(Bytes kernel) {
  KernelFiles files;
  files.kernel_name = "vmlinuz";
  files.kernel = std::move(kernel);
  files.command_line = "console=ttyS0";
  return files;
}

bool Mentions(const Error& error, const std::string& text) {
  return error.message.find(text) != std::string::npos;
}

TEST_CASE("linux: a gzip payload is decompressed here and entered in long mode") {
  TestBoard machine(64);
  const auto boot = LoadKernel(machine.space.View(), machine.board,
                               Files(SmallBzImage(Gzip(SmallElf(0x1000000, 0x1000004)))));
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
  const auto boot = LoadKernel(machine.space.View(), machine.board, Files(SmallBzImage(junk)));
  REQUIRE(boot.ok());
  CHECK_EQ(boot->entry.rip, 0x1000200);
  CHECK_EQ(static_cast<u8>(*machine.At(0x1000000)), 0x90);
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
    const auto boot = LoadKernel(machine.space.View(), machine.board, Files(image));
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
  const auto boot = LoadKernel(machine.space.View(), machine.board, Files(image));
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
  Bytes packed = Gzip(Bytes(100000, std::byte{7}));
  CHECK(DecompressPayload(packed).ok());
  packed[packed.size() / 2] ^= std::byte{0xff};
  CHECK_FALSE(DecompressPayload(packed).ok());
}

TEST_CASE("kernel: what is no kernel is refused by name") {
  TestBoard machine(64);
  const auto boot = LoadKernel(machine.space.View(), machine.board, Files(Bytes(100)));
  REQUIRE_FALSE(boot.ok());
  CHECK(Mentions(boot.error(), "vmlinuz"));
}

}  // namespace
}  // namespace tandem::firmware
