#pragma once

#include <atomic>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/ints.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace tandem::devices {

class RamBlock;

// Who keeps translations of guest code. Called by whoever writes to memory, on any thread and under
// any lock but leaves; never blocks for long.
class CodeObserver {
 public:
  virtual ~CodeObserver() = default;
  // Bytes of a page that holds translated code were written just now.
  virtual void OnCodeWritten(RamBlock& ram, u64 offset, u64 length) = 0;
};

// Who looks on at what is written to memory, but not by instructions.
class WriteObserver {
 public:
  virtual ~WriteObserver() = default;
  // Any thread: a device writes these bytes. True: the observer does so itself, soon.
  virtual bool TakesDeviceWrite(RamBlock& ram, u64 offset, std::span<const std::byte> data) = 0;
  // A vCPU's thread: a page walk has set bits in an entry of a table.
  virtual void OnTableBits(RamBlock& ram, u64 offset, u32 entry_size) = 0;
};

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
  // Memory that a device writes to.
  void WriteFromDevice(u64 offset, std::span<const std::byte> data);
  // A page walk has set bits there.
  void NoteTableBits(u64 offset, u32 entry_size);
  // Before anybody writes; null: none.
  void SetWriteObserver(WriteObserver* observer) { write_observer_ = observer; }

  // Which bytes have been translated, a bit for each 64 bytes of a page. Writers report to MarkDirty
  // what they write; those who write without doing so must not touch pages with code. Any thread;
  // the observer, set before the first granule is, outlives the block.
  void SetCodeObserver(CodeObserver* observer) { observer_ = observer; }
  void SetCodeGranules(u64 page_offset, u64 granules);
  bool HasCode(u64 offset) const {
    return code_[offset / kCodePageSize].load(std::memory_order_acquire) != 0;
  }
  bool HasAnyCode(u64 offset, u64 length) const;

  // The bitmap since the last call (bit i of word w: page 64 w + i), cleared as it is read. Who
  // caches writable pages must drop them afterwards (TopologyListener::OnDirtyLogChanged).
  std::vector<u64> TakeDirty();

 private:
  static constexpr u64 kCodePageSize = 4096;
  static constexpr u64 kCodeChunkSize = 2 << 20;

  RamBlock(std::string name, u64 size, UniqueFd fd, std::byte* data);
  void NoteCodeWritten(u64 offset, u64 length);

  const std::string name_;
  const u64 size_;
  UniqueFd fd_;
  std::byte* const data_;
  std::atomic<bool> dirty_logging_{false};
  std::vector<std::atomic<u64>> dirty_;
  CodeObserver* observer_ = nullptr;
  WriteObserver* write_observer_ = nullptr;
  // Granules of each page, and pages with code in each chunk; touched memory only costs.
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::atomic<u64>[], Free> code_;
  std::vector<std::atomic<u32>> code_chunks_;
  std::atomic<u32> code_pages_{0};
};

}  // namespace tandem::devices
