#include "firmware/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/log.h"
#include "base/unique_fd.h"

namespace tandem::firmware {
namespace {

constexpr const char* kDataFolders[] = {"/usr/share/seabios", "/usr/share/qemu", "/usr/share/OVMF",
                                        "/usr/share/ovmf", "/usr/share/tandem"};

Error FileError(const std::string& path, const std::string& what, int error) {
  return Fail("cannot read {} '{}': {}", what, path, std::strerror(error));
}

}  // namespace

Result<Bytes> ReadWholeFile(const std::string& path, const std::string& what) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!fd.valid() || fstat(fd.get(), &info) != 0) {
    return FileError(path, what, errno);
  }
  if (S_ISDIR(info.st_mode)) {
    return FileError(path, what, EISDIR);
  }
  if (info.st_size <= 0) {
    return Fail("{} '{}' is empty", what, path);
  }
  if (info.st_size > i64{4} << 30) {
    return Fail("{} '{}' is larger than 4 GiB", what, path);
  }
  Bytes bytes(static_cast<size_t>(info.st_size));
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t part = read(fd.get(), bytes.data() + done, bytes.size() - done);
    if (part < 0 && errno != EINTR) {
      return FileError(path, what, errno);
    }
    if (part == 0) {
      return Fail("{} '{}' was cut while it was read", what, path);
    }
    done += part > 0 ? static_cast<size_t>(part) : 0;
  }
  return bytes;
}

std::string FindDataFile(const std::string& path) {
  if (path.find('/') != std::string::npos || access(path.c_str(), F_OK) == 0) {
    return path;
  }
  for (const char* folder : kDataFolders) {
    const std::string candidate = std::string(folder) + "/" + path;
    if (access(candidate.c_str(), F_OK) == 0) {
      return candidate;
    }
  }
  return path;
}

}  // namespace tandem::firmware
