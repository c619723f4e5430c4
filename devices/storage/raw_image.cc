#include "devices/storage/raw_image.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/bits.h"
#include "base/log.h"
#include "devices/storage/block_backend.h"
#include "devices/storage/file_io.h"

namespace tandem::devices {
namespace {

Error OpenError(const std::string& path, int error) {
  return Fail("cannot open disk image '{}': {}", path, std::strerror(error));
}

}  // namespace

Result<std::unique_ptr<RawImage>> RawImage::Open(const std::string& path, bool read_only) {
  UniqueFd fd(open(path.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!fd.valid() || fstat(fd.get(), &info) != 0) {
    return OpenError(path, errno);
  }
  const bool is_device = S_ISBLK(info.st_mode);
  u64 size = static_cast<u64>(info.st_size);
  if (!is_device && !S_ISREG(info.st_mode)) {
    return Fail("disk image '{}' is {}", path,
                S_ISDIR(info.st_mode) ? "a directory" : "neither a file nor a block device");
  }
  if (is_device && ioctl(fd.get(), BLKGETSIZE64, &size) != 0) {
    return OpenError(path, errno);
  }
  if (size == 0) {
    return Fail("disk image '{}' is empty", path);
  }
  if (Result<void> locked = LockFile(fd.get(), path, read_only); !locked) {
    return locked.error();
  }
  return std::unique_ptr<RawImage>(
      new RawImage(std::move(fd), AlignUp(size, kSectorSize), read_only, is_device));
}

int RawImage::Read(u64 offset, std::span<std::byte> data) {
  return ReadFully(fd_.get(), offset, data);
}

int RawImage::Write(u64 offset, std::span<const std::byte> data) {
  return WriteFully(fd_.get(), offset, data);
}

int RawImage::Flush() { return fdatasync(fd_.get()) == 0 ? 0 : errno; }

// A hint: where the host cannot, nothing is wrong.
int RawImage::Discard(u64 offset, u64 length) {
  u64 range[2] = {offset, length};
  const int status = is_device_ ? ioctl(fd_.get(), BLKDISCARD, range)
                                : fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                            static_cast<off_t>(offset), static_cast<off_t>(length));
  return status == 0 || errno == EOPNOTSUPP || errno == ENOTTY ? 0 : errno;
}

}  // namespace tandem::devices
