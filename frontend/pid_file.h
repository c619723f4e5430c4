#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tandem::frontend {

// -pidfile: holds this process's id while the object lives. The file is locked, so that a second
// emulator with the same one is refused.
class PidFile {
 public:
  // An empty path: no file.
  static Result<PidFile> Write(std::string path);
  PidFile(PidFile&& other) noexcept;
  ~PidFile();
  PidFile& operator=(PidFile&&) = delete;

 private:
  PidFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  UniqueFd fd_;
};

}  // namespace tandem::frontend
