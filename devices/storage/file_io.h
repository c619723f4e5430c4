#pragma once

#include <span>
#include <string>

#include "base/ints.h"
#include "base/result.h"

namespace tandem::devices {

// pread and pwrite until all is done; 0 or an errno. Bytes behind the end of the file read as zero.
int ReadFully(int fd, u64 offset, std::span<std::byte> data);
int WriteFully(int fd, u64 offset, std::span<const std::byte> data);

// An open file description lock on the whole file. The error names the file and, where it can be
// found out, the process that has the file open.
Result<void> LockFile(int fd, const std::string& path, bool shared);

}  // namespace tandem::devices
