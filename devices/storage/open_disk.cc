#include "devices/storage/open_disk.h"

#include <array>

#include "base/bits.h"
#include "base/log.h"
#include "devices/storage/async_backend.h"
#include "devices/storage/overlay_image.h"
#include "devices/storage/raw_image.h"

namespace tandem::devices {
namespace {

constexpr u32 kQcow2Magic = 0xfb494651;  // "QFI\xfb"

bool IsQcow2(BlockImage& image) {
  std::array<std::byte, 4> head{};
  return image.Read(0, head) == 0 && LoadLe<u32>(head.data()) == kQcow2Magic;
}

}  // namespace

Result<std::unique_ptr<BlockImage>> OpenImage(const DiskOptions& options) {
  if (!options.format.empty() && options.format != "raw" && options.format != "qcow2") {
    return Fail("disk image '{}': unknown format '{}' (known: raw)", options.path, options.format);
  }
  Result<std::unique_ptr<RawImage>> raw =
      RawImage::Open(options.path, options.read_only || options.snapshot);
  if (!raw) {
    return raw.error();
  }
  if (options.format == "qcow2" || (options.format.empty() && IsQcow2(**raw))) {
    return Fail("disk image '{}': qcow2 is not supported yet", options.path);
  }
  if (options.format.empty() && !options.read_only) {
    Warn(
        "image format was not specified for '{}' and probing guessed raw; "
        "specify format=raw to silence this",
        options.path);
  }
  std::unique_ptr<BlockImage> image = *std::move(raw);
  if (!options.snapshot) {
    return image;
  }
  Result<std::unique_ptr<OverlayImage>> overlay = OverlayImage::Create(std::move(image));
  if (!overlay) {
    return overlay.error();
  }
  return std::unique_ptr<BlockImage>(*std::move(overlay));
}

Result<std::unique_ptr<BlockBackend>> OpenDisk(const DiskOptions& options, WorkerPool& pool,
                                               EventLoop& loop) {
  Result<std::unique_ptr<BlockImage>> image = OpenImage(options);
  if (!image) {
    return image.error();
  }
  return std::unique_ptr<BlockBackend>(
      std::make_unique<AsyncBackend>(*std::move(image), pool, loop));
}

}  // namespace tandem::devices
