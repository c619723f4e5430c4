#pragma once

#include <cstddef>

#include "base/ints.h"
#include "base/unique_fd.h"

namespace tandem {

// Memory for host code that is made at run time: one memfd mapped twice, writable and executable, so
// that no page is ever both. Pages cost nothing until they are touched.
class DoubleMapping {
 public:
  // size in bytes; the name is what /proc/self/maps shows. A host without memory for it is fatal.
  DoubleMapping(const char* name, size_t size);
  ~DoubleMapping();
  DoubleMapping(const DoubleMapping&) = delete;
  DoubleMapping& operator=(const DoubleMapping&) = delete;

  size_t size() const { return size_; }
  u8* writable() const { return writable_; }
  const u8* executable() const { return executable_; }

 private:
  const size_t size_;
  UniqueFd fd_;
  u8* writable_ = nullptr;
  u8* executable_ = nullptr;
};

}  // namespace tandem
