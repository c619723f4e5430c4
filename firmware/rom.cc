#include "firmware/rom.h"

#include <algorithm>

#include "base/log.h"
#include "firmware/file.h"

namespace tandem::firmware {
namespace {

constexpr u64 kRomUnit = 64 << 10;
constexpr u64 kFlashUnit = 4 << 10;
constexpr u64 kRomMax = 16 << 20;

Result<std::shared_ptr<devices::RamBlock>> LoadRom(const std::string& path, const char* what,
                                                   u64 unit) {
  const std::string found = FindDataFile(path);
  const Result<Bytes> image = ReadWholeFile(found, what);
  if (!image) {
    return image.error();
  }
  if (image->size() % unit != 0 || image->size() > kRomMax) {
    return Fail("{} '{}' has {} bytes; a multiple of {} up to 16 MiB is needed", what, found,
                image->size(), unit);
  }
  return MakeBiosRom(*image);
}

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
  return LoadRom(path, "BIOS", kRomUnit);
}

Result<std::shared_ptr<devices::RamBlock>> LoadFlashCode(const std::string& path) {
  return LoadRom(path, "pflash image", kFlashUnit);
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
