#pragma once

#include <span>

#include "base/ints.h"
#include "base/unique_fd.h"

namespace tandem::cpu {

// Memory for small pieces of host code: one memfd mapped twice, writable and executable, so that no
// page is ever both. One thread.
class CodeArena {
 public:
  // size in bytes. A host without memory for it is fatal.
  explicit CodeArena(size_t size);
  ~CodeArena();
  CodeArena(const CodeArena&) = delete;
  CodeArena& operator=(const CodeArena&) = delete;

  size_t left() const { return size_ - used_; }
  // Copies code, which must fit; returns its executable address.
  const void* Add(std::span<const u8> code);
  void Clear() { used_ = 0; }

 private:
  const size_t size_;
  size_t used_ = 0;
  UniqueFd fd_;
  u8* writable_ = nullptr;
  u8* executable_ = nullptr;
};

}  // namespace tandem::cpu
