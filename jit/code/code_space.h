#pragma once

#include "base/double_mapping.h"

namespace tandem::jit {

// Memory for emitted code. Emitters write through the writable mapping; branches within the space are
// the same in both.
class CodeSpace : public DoubleMapping {
 public:
  // size in bytes. A host without address space for it is fatal.
  explicit CodeSpace(size_t size) : DoubleMapping(size) {}

  bool HoldsExecutable(const void* address) const {
    return static_cast<u64>(static_cast<const u8*>(address) - executable()) < size();
  }
  u8* ToWritable(const void* code) const {
    return writable() + (static_cast<const u8*>(code) - executable());
  }
  const u8* ToExecutable(const void* code) const {
    return executable() + (static_cast<const u8*>(code) - writable());
  }
};

}  // namespace tandem::jit
