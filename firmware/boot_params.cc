#include "firmware/boot_params.h"

#include <algorithm>

namespace tandem::firmware {
namespace {

// Offsets in struct boot_params (Documentation/arch/x86/zero-page.rst).
constexpr size_t kAcpiRsdp = 0x070;
constexpr size_t kExtRamdiskImage = 0x0c0;
constexpr size_t kExtRamdiskSize = 0x0c4;
constexpr size_t kExtCmdLine = 0x0c8;
constexpr size_t kAltMemK = 0x1e0;
constexpr size_t kE820Count = 0x1e8;
constexpr size_t kSetupHeader = 0x1f1;
constexpr size_t kBootFlag = 0x1fe;
constexpr size_t kHeaderMagic = 0x202;
constexpr size_t kVersion = 0x206;
constexpr size_t kTypeOfLoader = 0x210;
constexpr size_t kLoadFlags = 0x211;
constexpr size_t kCode32Start = 0x214;
constexpr size_t kRamdiskImage = 0x218;
constexpr size_t kRamdiskSize = 0x21c;
constexpr size_t kCmdLinePointer = 0x228;
constexpr size_t kE820Table = 0x2d0;
constexpr size_t kE820Max = 128;
constexpr u8 kUnknownLoader = 0xff;
constexpr u8 kLoadedHigh = 1;

void FillHeader(Bytes& page, std::span<const std::byte> header, u64 kernel_address) {
  std::ranges::copy(header.first(std::min(header.size(), kE820Table - kSetupHeader)),
                    page.begin() + kSetupHeader);
  if (header.empty()) {
    StoreLe<u16>(&page[kBootFlag], 0xaa55);
    StoreLe<u32>(&page[kHeaderMagic], 0x53726448);
    StoreLe<u16>(&page[kVersion], 0x020f);
  }
  page[kTypeOfLoader] = std::byte{kUnknownLoader};
  page[kLoadFlags] |= std::byte{kLoadedHigh};
  StoreLe<u32>(&page[kCode32Start], static_cast<u32>(kernel_address));
}

void FillMemoryMap(Bytes& page, const std::vector<E820Entry>& map) {
  const size_t count = std::min(map.size(), kE820Max);
  page[kE820Count] = static_cast<std::byte>(count);
  const Bytes table = EncodeE820({map.begin(), map.begin() + static_cast<long>(count)});
  std::ranges::copy(table, page.begin() + kE820Table);
}

}  // namespace

Result<void> WriteBootParams(const BootRequest& boot, std::span<const std::byte> setup_header,
                             u64 kernel_address, InitrdPlace initrd) {
  Bytes page(4096);
  FillHeader(page, setup_header, kernel_address);
  FillMemoryMap(page, boot.map);
  StoreLe<u64>(&page[kAcpiRsdp], boot.rsdp_address);
  StoreLe<u32>(&page[kAltMemK], static_cast<u32>((boot.ram_end - kHighMemoryAddress) / 1024));
  StoreLe<u32>(&page[kCmdLinePointer], static_cast<u32>(kCommandLineAddress));
  StoreLe<u32>(&page[kExtCmdLine], static_cast<u32>(kCommandLineAddress >> 32));
  StoreLe<u32>(&page[kRamdiskImage], static_cast<u32>(initrd.address));
  StoreLe<u32>(&page[kExtRamdiskImage], static_cast<u32>(initrd.address >> 32));
  StoreLe<u32>(&page[kRamdiskSize], static_cast<u32>(initrd.size));
  StoreLe<u32>(&page[kExtRamdiskSize], static_cast<u32>(initrd.size >> 32));
  return boot.memory.Write(kBootParamsAddress, page, "boot_params");
}

}  // namespace tandem::firmware
