#include "devices/storage/file_io.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "base/log.h"

namespace tandem::devices {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

bool HasOpen(const std::string& fd_folder, const struct stat& file) {
  const Directory directory(opendir(fd_folder.c_str()));
  while (const dirent* entry = directory ? readdir(directory.get()) : nullptr) {
    struct stat info {};
    if (stat((fd_folder + "/" + entry->d_name).c_str(), &info) == 0 && info.st_dev == file.st_dev &&
        info.st_ino == file.st_ino) {
      return true;
    }
  }
  return false;
}

// Kernels do not tell whose an open file description lock is; who has the file open is as good.
std::optional<long> FindHolder(int fd) {
  struct stat file {};
  if (fstat(fd, &file) != 0) {
    return std::nullopt;
  }
  const Directory processes(opendir("/proc"));
  while (const dirent* entry = processes ? readdir(processes.get()) : nullptr) {
    const long pid = std::strtol(entry->d_name, nullptr, 10);
    if (pid > 0 && pid != getpid() &&
        HasOpen(std::string("/proc/") + entry->d_name + "/fd", file)) {
      return pid;
    }
  }
  return std::nullopt;
}

}  // namespace

int ReadFully(int fd, u64 offset, std::span<std::byte> data) {
  while (!data.empty()) {
    const ssize_t part = pread(fd, data.data(), data.size(), static_cast<off_t>(offset));
    if (part < 0 && errno == EINTR) {
      continue;
    }
    if (part < 0) {
      return errno;
    }
    if (part == 0) {
      std::fill(data.begin(), data.end(), std::byte{0});
      return 0;
    }
    data = data.subspan(static_cast<size_t>(part));
    offset += static_cast<u64>(part);
  }
  return 0;
}

int WriteFully(int fd, u64 offset, std::span<const std::byte> data) {
  while (!data.empty()) {
    const ssize_t part = pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
    if (part < 0 && errno == EINTR) {
      continue;
    }
    if (part <= 0) {
      return part < 0 ? errno : EIO;
    }
    data = data.subspan(static_cast<size_t>(part));
    offset += static_cast<u64>(part);
  }
  return 0;
}

Result<void> LockFile(int fd, const std::string& path, bool shared) {
  struct flock range {};
  range.l_type = shared ? F_RDLCK : F_WRLCK;
  range.l_whence = SEEK_SET;
  // File systems without locks (ENOLCK, EINVAL) leave the user on his own, as before locks.
  if (fcntl(fd, F_OFD_SETLK, &range) == 0 || (errno != EAGAIN && errno != EACCES)) {
    return {};
  }
  const std::optional<long> holder = FindHolder(fd);
  return Fail("disk image '{}' is in use by another machine{}", path,
              holder ? fmt::format(" (process {})", *holder) : "");
}

}  // namespace tandem::devices
