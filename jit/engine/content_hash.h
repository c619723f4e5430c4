#pragma once

#include "jit/code/block.h"

namespace tandem::jit {

// Of the bytes that a block was translated from: writes that change none of them leave it alone.
class ContentHash {
 public:
  void Add(const u8* bytes, size_t size) {
    for (size_t i = 0; i < size; ++i) {
      hash_ = (hash_ ^ bytes[i]) * 0x100000001b3;
    }
  }
  u64 value() const { return hash_; }

 private:
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
