#pragma once

#include <cstddef>

#include "base/ints.h"

namespace tandem {

// Memory for host code that is made at run time: shared memory mapped twice, writable and executable,
// so that no page is ever both. It has no file name, as perf looks for symbols of such mappings in its
// map files only. Pages cost nothing until they are touched.
class DoubleMapping {
 public:
  // size in bytes. A host without memory for it is fatal.
  explicit DoubleMapping(size_t size);
  ~DoubleMapping();
  DoubleMapping(const DoubleMapping&) = delete;
  DoubleMapping& operator=(const DoubleMapping&) = delete;

  size_t size() const { return size_; }
  u8* writable() const { return writable_; }
  const u8* executable() const { return executable_; }

 private:
  const size_t size_;
  u8* writable_ = nullptr;
  u8* executable_ = nullptr;
};

}  // namespace tandem
