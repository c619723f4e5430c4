#include <fstream>
#include <string>

#include "firmware/elf_image.h"
#include "firmware/multiboot.h"
#include "tests/unit/firmware/test_board.h"

namespace tandem::firmware {
namespace {

KernelFiles Files(Bytes kernel) {
  KernelFiles files;
  files.kernel_name = "kernel";
  files.kernel = std::move(kernel);
  files.command_line = "quiet";
  return files;
}

// SmallElf with a second program header: a Xen note that gives a PVH entry.
Bytes PvhElf(u32 entry) {
  ByteWriter out;
  out.U32(0x464c457f).U8(2).U8(1).U8(1).Zeros(9).U16(2).U16(62).U32(1);
  out.U64(0x1000000).U64(64).U64(0).U32(0).U16(64).U16(56).U16(2).Zeros(6);
  out.U32(1).U32(7).U64(176).U64(0).U64(0x1000000).U64(16).U64(16).U64(4096);
  out.U32(4).U32(4).U64(192).U64(0).U64(0).U64(20).U64(20).U64(4);
  out.Padded("code", 16, 0);
  return out.U32(4).U32(4).U32(18).Padded("Xen", 4, 0).U32(entry).Take();
}

// A kernel that is loaded by the addresses in its Multiboot header.
Bytes MultibootKernel() {
  ByteWriter out;
  out.U32(0x1badb002).U32(0x10000).U32(0u - 0x1badb002u - 0x10000u);
  out.U32(0x200000).U32(0x200000).U32(0x200040).U32(0x200100).U32(0x200020);
  return out.Padded("payload", 64, 0).Take();
}

std::string TextAt(const TestBoard& machine, u64 address) {
  return reinterpret_cast<const char*>(machine.At(address));
}

TEST_CASE("pvh: the note's entry is used, with start info in ebx") {
  TestBoard machine(64);
  const auto boot = LoadKernel(machine.space.View(), machine.board, Files(PvhElf(0x1000008)));
  REQUIRE(boot.ok());
  CHECK_EQ(boot->entry.kind, EntryKind::kPvh32);
  CHECK_EQ(boot->entry.rip, 0x1000008);
  const std::byte* info = machine.At(boot->entry.rbx);
  CHECK_EQ(LoadLe<u32>(info), 0x336ec578);
  CHECK_EQ(TextAt(machine, LoadLe<u64>(info + 24)), "quiet");
  CHECK_EQ(LoadLe<u64>(info + 32), kBiosRomAddress);
}

TEST_CASE("elf: a plain vmlinux is entered in 64-bit mode with boot_params") {
  TestBoard machine(64);
  const auto boot =
      LoadKernel(machine.space.View(), machine.board, Files(SmallElf(0x1000000, 0x1000000)));
  REQUIRE(boot.ok());
  CHECK_EQ(boot->entry.kind, EntryKind::kLinux64);
  CHECK_EQ(boot->entry.rsi, kBootParamsAddress);
}

TEST_CASE("elf: cut at any length it is an error, never a crash") {
  const Bytes whole = PvhElf(0x1000000);
  for (size_t size = 0; size < whole.size(); ++size) {
    CHECK_FALSE(ElfImage::Parse(std::span(whole).first(size)).ok());
  }
}

TEST_CASE("elf: a segment that wraps the address space is refused") {
  CHECK_FALSE(ElfImage::Parse(SmallElf(~u64{0} - 8, 0)).ok());
}

TEST_CASE("elf: a segment outside RAM names the way out") {
  TestBoard machine(64);
  const auto boot =
      LoadKernel(machine.space.View(), machine.board, Files(SmallElf(0x10000000, 0x10000000)));
  REQUIRE_FALSE(boot.ok());
  CHECK_NE(boot.error().message.find("larger -m"), std::string::npos);
}

TEST_CASE("multiboot: header addresses place the kernel, and ebx leads to the information") {
  TestBoard machine(64);
  const auto boot = LoadKernel(machine.space.View(), machine.board, Files(MultibootKernel()));
  REQUIRE(boot.ok());
  CHECK_EQ(boot->entry.kind, EntryKind::kMultiboot32);
  CHECK_EQ(boot->entry.rax, 0x2badb002);
  CHECK_EQ(boot->entry.rip, 0x200020);
  CHECK_EQ(TextAt(machine, 0x200020), "payload");
  CHECK_EQ(TextAt(machine, LoadLe<u32>(machine.At(boot->entry.rbx + 16))), "kernel quiet");
}

TEST_CASE("multiboot: modules lie page-aligned behind the kernel with their command lines") {
  TestBoard machine(64);
  const std::string path = std::string(getenv("TEST_TMPDIR")) + "/module";
  std::ofstream(path) << "module bytes";
  KernelFiles files = Files(MultibootKernel());
  files.initrd_option = path + " with arguments," + path;
  const auto boot = LoadKernel(machine.space.View(), machine.board, files);
  REQUIRE(boot.ok());
  const std::byte* info = machine.At(boot->entry.rbx);
  REQUIRE_EQ(LoadLe<u32>(info + 20), 2);
  const std::byte* modules = machine.At(LoadLe<u32>(info + 24));
  CHECK_EQ(LoadLe<u32>(modules) % 4096, 0);
  CHECK_EQ(TextAt(machine, LoadLe<u32>(modules)), "module bytes");
  CHECK_EQ(TextAt(machine, LoadLe<u32>(modules + 8)), path + " with arguments");
}

TEST_CASE("multiboot: absurd header addresses are an error") {
  TestBoard machine(64);
  Bytes kernel = MultibootKernel();
  StoreLe<u32>(&kernel[20], 0xfffffff0);
  CHECK_FALSE(LoadKernel(machine.space.View(), machine.board, Files(kernel)).ok());
  StoreLe<u32>(&kernel[16], 0x300000);
  CHECK_FALSE(LoadKernel(machine.space.View(), machine.board, Files(kernel)).ok());
}

}  // namespace
}  // namespace tandem::firmware
