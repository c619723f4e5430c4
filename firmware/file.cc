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
  return Fail("could not load {} '{}': {}", what, path, std::strerror(error));
}

struct InputFile {
  UniqueFd fd;
  u64 size = 0;
};

Result<InputFile> Open(const std::string& path, const std::string& what) {
  InputFile file{UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC))};
  struct stat info {};
  if (!file.fd.valid() || fstat(file.fd.get(), &info) != 0) {
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
  file.size = static_cast<u64>(info.st_size);
  return file;
}

Result<void> Read(const InputFile& file, std::span<std::byte> out, const std::string& path,
                  const std::string& what) {
  while (!out.empty()) {
    const ssize_t part = read(file.fd.get(), out.data(), out.size());
    if (part < 0 && errno != EINTR) {
      return FileError(path, what, errno);
    }
    if (part == 0) {
      return Fail("{} '{}' was cut while it was read", what, path);
    }
    out = out.subspan(part > 0 ? static_cast<size_t>(part) : 0);
  }
  return {};
}

}  // namespace

Result<Bytes> ReadWholeFile(const std::string& path, const std::string& what) {
  const Result<InputFile> file = Open(path, what);
  if (!file) {
    return file.error();
  }
  Bytes bytes(file->size);
  const Result<void> done = Read(*file, bytes, path, what);
  return done ? Result<Bytes>(std::move(bytes)) : done.error();
}

Result<Blob> ReadLargeFile(const std::string& path, const std::string& what) {
  const Result<InputFile> file = Open(path, what);
  if (!file) {
    return file.error();
  }
  Result<Pages> pages = Pages::OfFile(file->fd.get(), file->size);
  Result<void> done;
  if (!pages) {
    pages = Pages::Zeroed(file->size);
    done = pages ? Read(*file, pages->bytes(), path, what) : pages.error();
  }
  return done ? Result<Blob>(*std::move(pages)) : done.error();
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
