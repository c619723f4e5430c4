#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "base/result.h"

namespace tandem::firmware {

// Host memory for something large and short-lived.
class Pages {
 public:
  // Zeroed: in large host pages where the host has them, as these are had many times faster than
  // small ones. size in bytes, not 0. Error: the host has no room.
  static Result<Pages> Zeroed(size_t size);
  // The first size bytes of a file as the host caches them, not copied. Error where the host cannot
  // show all of them. While it is used nobody may cut the file: the process would end.
  static Result<Pages> OfFile(int fd, size_t size);
  Pages(Pages&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Pages();

  std::span<std::byte> bytes() { return bytes_; }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  explicit Pages(std::span<std::byte> bytes) : bytes_(bytes) {}

  std::span<std::byte> bytes_;
};

}  // namespace tandem::firmware
