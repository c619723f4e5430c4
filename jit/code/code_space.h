#pragma once

#include <span>

#include "base/ints.h"
#include "base/unique_fd.h"

namespace tandem::jit {

// Memory for emitted code: one memfd mapped twice, writable and executable, so that no page is ever
// both. Emitters write through the first; branches within the space are the same in both.
class CodeSpace {
 public:
  // size in bytes. A host without address space for it is fatal.
  explicit CodeSpace(size_t size);
  ~CodeSpace();
  CodeSpace(const CodeSpace&) = delete;
  CodeSpace& operator=(const CodeSpace&) = delete;

  size_t size() const { return size_; }
  u8* writable() const { return writable_; }
  const u8* executable() const { return executable_; }

  bool HoldsExecutable(const void* address) const {
    return static_cast<u64>(static_cast<const u8*>(address) - executable_) < size_;
  }
  u8* ToWritable(const void* executable) const {
    return writable_ + (static_cast<const u8*>(executable) - executable_);
  }
  const u8* ToExecutable(const void* writable) const {
    return executable_ + (static_cast<const u8*>(writable) - writable_);
  }

 private:
  const size_t size_;
  UniqueFd fd_;
  u8* writable_ = nullptr;
  u8* executable_ = nullptr;
};

}  // namespace tandem::jit
