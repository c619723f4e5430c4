#pragma once

#include <span>

#include "base/double_mapping.h"

namespace tandem::cpu {

// Memory for small pieces of host code. One thread.
class CodeArena {
 public:
  // size in bytes. A host without memory for it is fatal.
  explicit CodeArena(size_t size) : memory_(size) {}

  size_t left() const { return memory_.size() - used_; }
  // Copies code, which must fit; returns its executable address.
  const void* Add(std::span<const u8> code);
  void Clear() { used_ = 0; }

 private:
  DoubleMapping memory_;
  size_t used_ = 0;
};

}  // namespace tandem::cpu
