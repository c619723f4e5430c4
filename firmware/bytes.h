#pragma once

#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/bits.h"
#include "base/ints.h"

namespace tandem::firmware {

using Bytes = std::vector<std::byte>;

// Little-endian fields appended one after the other: how all firmware tables are written.
class ByteWriter {
 public:
  ByteWriter& U8(u64 value) { return Le(value, 1); }
  ByteWriter& U16(u64 value) { return Le(value, 2); }
  ByteWriter& U32(u64 value) { return Le(value, 4); }
  ByteWriter& U64(u64 value) { return Le(value, 8); }
  ByteWriter& Text(std::string_view text) { return Raw(std::as_bytes(std::span(text))); }
  // text cut or filled with fill to exactly size bytes.
  ByteWriter& Padded(std::string_view text, size_t size, char fill) {
    for (size_t i = 0; i < size; ++i) {
      U8(static_cast<u8>(i < text.size() ? text[i] : fill));
    }
    return *this;
  }
  ByteWriter& Raw(std::span<const std::byte> data) {
    bytes_.insert(bytes_.end(), data.begin(), data.end());
    return *this;
  }
  ByteWriter& Zeros(size_t count) {
    bytes_.resize(bytes_.size() + count);
    return *this;
  }
  ByteWriter& AlignTo(size_t alignment) { return Zeros(AlignUp(size(), alignment) - size()); }

  // Overwrites an earlier field.
  template <typename T>
  void Patch(size_t offset, T value) {
    StoreLe(bytes_.data() + offset, value);
  }

  size_t size() const { return bytes_.size(); }
  const Bytes& bytes() const { return bytes_; }
  Bytes Take() { return std::move(bytes_); }

 private:
  ByteWriter& Le(u64 value, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
    }
    return *this;
  }

  Bytes bytes_;
};

// What has to be stored in a field so that all bytes add up to zero.
inline u8 ChecksumOf(std::span<const std::byte> data) {
  u8 sum = 0;
  for (const std::byte byte : data) {
    sum = static_cast<u8>(sum + static_cast<u8>(byte));
  }
  return static_cast<u8>(-sum);
}

// A field of T at offset, or nothing where data is too short.
template <typename T>
std::optional<T> FieldAt(std::span<const std::byte> data, u64 offset) {
  if (offset > data.size() || data.size() - offset < sizeof(T)) {
    return std::nullopt;
  }
  return LoadLe<T>(data.data() + offset);
}

}  // namespace tandem::firmware
