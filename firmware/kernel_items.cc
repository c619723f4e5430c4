#include <algorithm>

#include "base/log.h"
#include "firmware/bzimage.h"
#include "firmware/fw_cfg_items.h"
#include "firmware/guest/images.h"

namespace tandem::firmware {
namespace {

constexpr u16 kKernelAddress = 0x07;
constexpr u16 kKernelSize = 0x08;
constexpr u16 kInitrdAddress = 0x0a;
constexpr u16 kInitrdSize = 0x0b;
constexpr u16 kKernelData = 0x11;
constexpr u16 kInitrdData = 0x12;
constexpr u16 kCmdlineAddress = 0x13;
constexpr u16 kCmdlineSize = 0x14;
constexpr u16 kCmdlineData = 0x15;
constexpr u16 kSetupAddress = 0x16;
constexpr u16 kSetupSize = 0x17;
constexpr u16 kSetupData = 0x18;

constexpr u64 kRealModeAddress = 0x10000;
constexpr u64 kCmdlinePlace = 0x20000;
constexpr u64 kBiosTables = 0x40000;  // SeaBIOS keeps its tables at the end of low RAM
constexpr size_t kPnpChecksum = 0x20 + 9;

void Number(std::vector<FwCfgItem>& items, u16 key, u64 value) {
  items.push_back({key, ByteWriter().U32(value).Take()});
}

u64 InitrdPlacement(const Board& board, const BzImage& image, u64 size) {
  const u64 end = std::min(board.LowRam() - kBiosTables, image.InitrdMax() + 1);
  return size < end ? AlignDown(end - size, 4096) : 0;
}

// The fields a boot loader writes; the guest's firmware only copies.
Bytes PatchedSetup(const BzImage& image, u64 initrd_address, u64 initrd_size) {
  Bytes setup(image.setup().begin(), image.setup().end());
  setup[0x210] = std::byte{0xff};                                              // type_of_loader
  setup[0x211] |= std::byte{0x80};                                             // CAN_USE_HEAP
  StoreLe<u16>(&setup[0x224], u16{kCmdlinePlace - kRealModeAddress - 0x200});  // heap_end_ptr
  StoreLe<u32>(&setup[0x218], static_cast<u32>(initrd_address));
  StoreLe<u32>(&setup[0x21c], static_cast<u32>(initrd_size));
  StoreLe<u32>(&setup[0x228], static_cast<u32>(kCmdlinePlace));
  return setup;
}

Bytes BootRom() {
  Bytes rom(LinuxBootRom().begin(), LinuxBootRom().end());
  const auto pnp_header = std::span(rom).subspan(0x20, 32);
  rom[kPnpChecksum] = static_cast<std::byte>(ChecksumOf(pnp_header));
  rom.back() = static_cast<std::byte>(ChecksumOf(rom));
  return rom;
}

}  // namespace

Result<std::vector<FwCfgItem>> KernelFwCfgItems(const Board& board, const KernelFiles& files) {
  const Result<BzImage> image = BzImage::Parse(files.kernel, files.kernel_name);
  if (!image) {
    return image.error();
  }
  if (!image->IsLoadedHigh()) {
    return Fail("kernel '{}' is a zImage; only bzImages can be booted", files.kernel_name);
  }
  if (files.command_line.size() > image->CommandLineMax()) {
    return Fail("-append is longer ({} bytes) than kernel '{}' takes ({})",
                files.command_line.size(), files.kernel_name, image->CommandLineMax());
  }
  const u64 initrd_address =
      files.initrd.empty() ? 0 : InitrdPlacement(board, *image, files.initrd.size());
  if (!files.initrd.empty() && initrd_address < kHighMemoryAddress + image->InitSize()) {
    return Fail("initrd '{}' does not fit in guest memory (use a larger -m)", files.initrd_option);
  }
  std::vector<FwCfgItem> items;
  Number(items, kKernelAddress, kHighMemoryAddress);
  Number(items, kKernelSize, image->kernel().size());
  items.push_back({kKernelData, Bytes(image->kernel().begin(), image->kernel().end())});
  Number(items, kInitrdAddress, initrd_address);
  Number(items, kInitrdSize, files.initrd.size());
  items.push_back({kInitrdData, Bytes(files.initrd.bytes().begin(), files.initrd.bytes().end())});
  Number(items, kCmdlineAddress, kCmdlinePlace);
  Number(items, kCmdlineSize, files.command_line.size() + 1);
  items.push_back({kCmdlineData, ByteWriter().Text(files.command_line).U8(0).Take()});
  Bytes setup = PatchedSetup(*image, initrd_address, files.initrd.size());
  Number(items, kSetupAddress, kRealModeAddress);
  Number(items, kSetupSize, setup.size());
  items.push_back({kSetupData, std::move(setup)});
  items.push_back({"genroms/linuxboot.bin", BootRom()});
  return items;
}

}  // namespace tandem::firmware
