#pragma once

#include <cstring>

#include "jit/code/block.h"

namespace tandem::jit {

// Of the bytes that a block was translated from: writes that change none of them leave it alone.
class ContentHash {
 public:
  // Eight bytes at a time; the rest counts as filled up with zeros, and the size with it.
  void Add(const u8* bytes, size_t size) {
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
      u64 word;
      std::memcpy(&word, bytes + at, sizeof word);
      Mix(word);
    }
    u64 rest = 0;
    for (unsigned shift = 0; at < size; ++at, shift += 8) {
      rest |= u64{bytes[at]} << shift;
    }
    Mix(rest);
    Mix(size);
  }
  u64 value() const { return hash_; }

 private:
  void Mix(u64 word) {
    hash_ = (hash_ ^ word) * 0x9e3779b97f4a7c15;
    hash_ ^= hash_ >> 32;
  }

  u64 hash_ = 0xcbf29ce484222325;
};

// What stands there now where the block was translated from.
inline u64 ContentNow(const Block& block) {
  ContentHash hash;
  for (const GuestSpan& span : block.spans) {
    hash.Add(reinterpret_cast<const u8*>(span.address), span.size);
  }
  return hash.value();
}

}  // namespace tandem::jit
