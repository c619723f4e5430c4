#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/ints.h"

namespace tandem::devices {

inline constexpr u64 kSectorSize = 512;

enum class BlockOp : u8 { kRead, kWrite, kFlush, kDiscard };

// One request to a disk. The buffers stay valid until done was called; done gets 0 or an errno.
struct BlockRequest {
  BlockOp op = BlockOp::kRead;
  u64 offset = 0;  // in bytes
  u64 length = 0;  // the sum of all buffers; for kDiscard alone it counts
  std::vector<std::span<std::byte>> buffers;
  std::function<void(int error)> done;
};

// What holds a disk's contents. Submit: any thread, device locks may be held. done is called on the
// event loop's thread, never inline; requests may finish in any order. A request beyond Size() ends
// with EIO and touches nothing.
class BlockBackend {
 public:
  virtual ~BlockBackend() = default;
  virtual u64 Size() const = 0;
  virtual bool IsReadOnly() const = 0;
  virtual void Submit(BlockRequest request) = 0;
};

}  // namespace tandem::devices
