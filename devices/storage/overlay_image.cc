#include "devices/storage/overlay_image.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/log.h"
#include "devices/storage/file_io.h"

namespace tandem::devices {

Result<std::unique_ptr<OverlayImage>> OverlayImage::Create(std::unique_ptr<BlockImage> base) {
  const char* chosen = std::getenv("TMPDIR");
  const char* folder = chosen != nullptr ? chosen : "/var/tmp";
  UniqueFd fd(open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd.valid()) {
    return Fail("snapshot=on: cannot make a temporary file in '{}': {} (set TMPDIR)", folder,
                std::strerror(errno));
  }
  return std::unique_ptr<OverlayImage>(new OverlayImage(std::move(base), std::move(fd)));
}

OverlayImage::OverlayImage(std::unique_ptr<BlockImage> base, UniqueFd fd)
    : base_(std::move(base)),
      fd_(std::move(fd)),
      is_ours_((base_->Size() + kClusterSize - 1) / kClusterSize) {}

int OverlayImage::Read(u64 offset, std::span<std::byte> data) {
  MutexLock lock(mu_);
  while (!data.empty()) {
    const u64 part = std::min<u64>(data.size(), kClusterSize - offset % kClusterSize);
    const std::span<std::byte> piece = data.first(part);
    const int error = is_ours_[offset / kClusterSize] ? ReadFully(fd_.get(), offset, piece)
                                                      : base_->Read(offset, piece);
    if (error != 0) {
      return error;
    }
    data = data.subspan(part);
    offset += part;
  }
  return 0;
}

int OverlayImage::CopyUp(u64 cluster) {
  const u64 start = cluster * kClusterSize;
  std::vector<std::byte> old(std::min(kClusterSize, Size() - start));
  int error = base_->Read(start, old);
  if (error == 0) {
    error = WriteFully(fd_.get(), start, old);
  }
  is_ours_[cluster] = error == 0;
  return error;
}

int OverlayImage::Write(u64 offset, std::span<const std::byte> data) {
  MutexLock lock(mu_);
  if (data.empty()) {
    return 0;
  }
  for (u64 cluster = offset / kClusterSize; cluster <= (offset + data.size() - 1) / kClusterSize;
       ++cluster) {
    const int error = is_ours_[cluster] ? 0 : CopyUp(cluster);
    if (error != 0) {
      return error;
    }
  }
  return WriteFully(fd_.get(), offset, data);
}

}  // namespace tandem::devices
