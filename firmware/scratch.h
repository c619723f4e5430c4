#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "base/result.h"

namespace tandem::firmware {

// Zeroed memory for something large and short-lived: in large host pages where the host has them, as
// these are had many times faster than small ones.
class Scratch {
 public:
  // size in bytes, not 0. Error: the host has no room.
  static Result<Scratch> Create(size_t size);
  Scratch(Scratch&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Scratch& operator=(Scratch&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Scratch();

  std::span<std::byte> bytes() { return bytes_; }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  explicit Scratch(std::span<std::byte> bytes) : bytes_(bytes) {}

  std::span<std::byte> bytes_;
};

}  // namespace tandem::firmware
