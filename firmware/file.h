#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "firmware/blob.h"

namespace tandem::firmware {

// The whole of a file given by the user; what names it in errors ("kernel", "initrd", "BIOS").
// Directories, empty files and files over 4 GiB are errors.
Result<Bytes> ReadWholeFile(const std::string& path, const std::string& what);
// The same for files of megabytes, where the host can show its cache: see Pages::OfFile.
Result<Blob> ReadLargeFile(const std::string& path, const std::string& what);

// path itself if it exists, else the first folder that holds it; path where none does. Only a bare
// name is looked up.
std::string FindDataFile(const std::string& path);

}  // namespace tandem::firmware
