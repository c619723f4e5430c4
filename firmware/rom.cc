#include "firmware/rom.h"

#include <algorithm>

#include "base/log.h"
#include "firmware/file.h"

namespace tandem::firmware {
namespace {

constexpr u64 kRomUnit = 64 << 10;
constexpr u64 kRomMax = 16 << 20;

}  // namespace

Result<std::shared_ptr<devices::RamBlock>> MakeBiosRom(const Bytes& bios_area) {
  Result<std::shared_ptr<devices::RamBlock>> block =
      devices::RamBlock::Create("bios", bios_area.size());
  if (block) {
    std::ranges::copy(bios_area, (*block)->data());
  }
  return block;
}

Result<std::shared_ptr<devices::RamBlock>> LoadBiosRom(const std::string& path) {
  const std::string found = FindDataFile(path);
  const Result<Bytes> image = ReadWholeFile(found, "BIOS");
  if (!image) {
    return image.error();
  }
  if (image->size() % kRomUnit != 0 || image->size() > kRomMax) {
    return Fail("BIOS '{}' has {} bytes; a multiple of 65536 up to 16 MiB is needed", found,
                image->size());
  }
  return MakeBiosRom(*image);
}

Result<Bytes> LoadOptionRom(const std::string& path) {
  const std::string found = FindDataFile(path);
  Result<Bytes> image = ReadWholeFile(found, "option ROM");
  if (image && FieldAt<u16>(*image, 0) != 0xaa55) {
    return Fail("option ROM '{}' does not begin with 55 aa", found);
  }
  return image;
}

}  // namespace tandem::firmware
