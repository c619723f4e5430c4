#pragma once

#include <span>

#include "base/ints.h"

namespace tandem::devices {

// The synchronous side of a disk image: called by worker threads, several at a time, with ranges
// inside Size(). Each call returns 0 or an errno.
class BlockImage {
 public:
  virtual ~BlockImage() = default;
  virtual u64 Size() const = 0;
  virtual bool IsReadOnly() const = 0;
  virtual int Read(u64 offset, std::span<std::byte> data) = 0;
  virtual int Write(u64 offset, std::span<const std::byte> data) = 0;
  virtual int Flush() = 0;
  virtual int Discard(u64 offset, u64 length) = 0;
};

}  // namespace tandem::devices
