#pragma once

#include <span>
#include <utility>
#include <variant>

#include "firmware/bytes.h"
#include "firmware/scratch.h"

namespace tandem::firmware {

// The contents of a file, which may be large.
class Blob {
 public:
  Blob() = default;
  Blob(Bytes bytes) : memory_(std::move(bytes)) {}
  Blob(Scratch bytes) : memory_(std::move(bytes)) {}

  std::span<const std::byte> bytes() const {
    const auto* const scratch = std::get_if<Scratch>(&memory_);
    return scratch != nullptr ? scratch->bytes() : std::get<Bytes>(memory_);
  }
  operator std::span<const std::byte>() const { return bytes(); }
  size_t size() const { return bytes().size(); }
  bool empty() const { return size() == 0; }
  const std::byte* data() const { return bytes().data(); }

 private:
  std::variant<Bytes, Scratch> memory_;
};

}  // namespace tandem::firmware
