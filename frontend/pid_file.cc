#include "frontend/pid_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.h"

namespace tandem::frontend {

Result<PidFile> PidFile::Write(std::string path) {
  if (path.empty()) {
    return PidFile(std::move(path), UniqueFd());
  }
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.valid()) {
    return Fail("-pidfile {}: cannot open the file: {}", path, std::strerror(errno));
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return Fail("-pidfile {}: another emulator that is running holds the file", path);
  }
  const std::string text = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return Fail("-pidfile {}: cannot write the file: {}", path, std::strerror(errno));
  }
  return PidFile(std::move(path), std::move(fd));
}

PidFile::PidFile(PidFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}

PidFile::~PidFile() {
  if (fd_.valid()) {
    ::unlink(path_.c_str());
  }
}

}  // namespace tandem::frontend
