#include "firmware/file.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#undef CHECK
#include <doctest/doctest.h>

namespace tandem::firmware {
namespace {

std::string WriteFile(const Bytes& bytes) {
  const std::string path =
      std::string(std::getenv("TEST_TMPDIR")) + "/file" + std::to_string(::getpid());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
  return path;
}

TEST_CASE("file: a large one is had whole") {
  Bytes bytes((3 << 20) + 5);
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(i / 13);
  }
  const std::string path = WriteFile(bytes);
  const Result<Blob> blob = ReadLargeFile(path, "kernel");
  REQUIRE(blob.ok());
  CHECK(std::ranges::equal(blob->bytes(), bytes));
  const Result<Bytes> whole = ReadWholeFile(path, "kernel");
  REQUIRE(whole.ok());
  CHECK(*whole == bytes);
}

TEST_CASE("file: what cannot be read is named") {
  for (const char* path : {"/", "/nonexistent/kernel", "/dev/null"}) {
    const Result<Blob> blob = ReadLargeFile(path, "kernel");
    REQUIRE_FALSE(blob.ok());
    CHECK_NE(blob.error().message.find("kernel '" + std::string(path) + "'"), std::string::npos);
  }
}

}  // namespace
}  // namespace tandem::firmware
