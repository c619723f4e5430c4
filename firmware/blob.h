#pragma once

#include <span>
#include <utility>
#include <variant>

#include "firmware/bytes.h"
#include "firmware/pages.h"

namespace tandem::firmware {

// The contents of a file, which may be large.
class Blob {
 public:
  Blob() = default;
  Blob(Bytes bytes) : memory_(std::move(bytes)) {}
  Blob(Pages pages) : memory_(std::move(pages)) {}

  std::span<const std::byte> bytes() const {
    const auto* const pages = std::get_if<Pages>(&memory_);
    return pages != nullptr ? pages->bytes() : std::get<Bytes>(memory_);
  }
  operator std::span<const std::byte>() const { return bytes(); }
  size_t size() const { return bytes().size(); }
  bool empty() const { return size() == 0; }
  const std::byte* data() const { return bytes().data(); }

 private:
  std::variant<Bytes, Pages> memory_;
};

}  // namespace tandem::firmware
