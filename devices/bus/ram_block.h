#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/ints.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace tandem::devices {

// A run of host memory (a memfd mapped shared) that backs guest RAM or ROM. Zero-filled when made;
// pages cost nothing until they are touched. Contents may be read and written by any thread.
class RamBlock {
 public:
  // size in bytes, rounded up to whole pages; not zero.
  static Result<std::shared_ptr<RamBlock>> Create(std::string name, u64 size);
  ~RamBlock();
  RamBlock(const RamBlock&) = delete;
  RamBlock& operator=(const RamBlock&) = delete;

  const std::string& name() const { return name_; }
  u64 size() const { return size_; }
  std::byte* data() const { return data_; }
  std::span<std::byte> bytes() const { return {data_, size_}; }
  int fd() const { return fd_.get(); }

  // Dirty logging, a bit a 4 KiB page. Any thread. Off at first: MarkDirty then costs one load.
  void SetDirtyLogging(bool on) { dirty_logging_.store(on, std::memory_order_release); }
  bool dirty_logging() const { return dirty_logging_.load(std::memory_order_acquire); }
  void MarkDirty(u64 offset, u64 length);
  // The bitmap since the last call (bit i of word w: page 64 w + i), cleared as it is read. Who
  // caches writable pages must drop them afterwards (TopologyListener::OnDirtyLogChanged).
  std::vector<u64> TakeDirty();

 private:
  RamBlock(std::string name, u64 size, UniqueFd fd, std::byte* data);

  const std::string name_;
  const u64 size_;
  UniqueFd fd_;
  std::byte* const data_;
  std::atomic<bool> dirty_logging_{false};
  std::vector<std::atomic<u64>> dirty_;
};

}  // namespace tandem::devices
