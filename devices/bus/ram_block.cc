#include "devices/bus/ram_block.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/bits.h"
#include "base/check.h"
#include "base/log.h"
#include "devices/bus/address.h"

namespace tandem::devices {
namespace {

constexpr u64 kLargePage = u64{2} << 20;

// A mapping of the file whose large pages are the host's, too, if it makes any of shared memory
// (/sys/kernel/mm/transparent_hugepage/shmem_enabled). MAP_FAILED and errno where there is no room.
void* MapAligned(int fd, u64 size) {
  const u64 alignment = size < kLargePage ? kPageSize : kLargePage;
  void* const room =
      ::mmap(nullptr, size + alignment, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) {
    return room;
  }
  const u64 start = reinterpret_cast<u64>(room);
  const u64 aligned = AlignUp(start, alignment);
  if (aligned != start) {
    ::munmap(room, aligned - start);
  }
  ::munmap(reinterpret_cast<void*>(aligned + size), start + alignment - aligned);
  void* const data = ::mmap(reinterpret_cast<void*>(aligned), size, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, 0);
  if (data != MAP_FAILED) {
    (void)::madvise(data, size, MADV_HUGEPAGE);  // where it is refused small pages do
  }
  return data;
}

}  // namespace

Result<std::shared_ptr<RamBlock>> RamBlock::Create(std::string name, u64 size) {
  size = AlignUp(size, kPageSize);
  CHECK(size != 0);
  UniqueFd fd(::memfd_create(name.c_str(), MFD_CLOEXEC));
  if (!fd.valid() || ::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
    return Fail("cannot make {} bytes of guest memory '{}': {}", size, name, std::strerror(errno));
  }
  void* data = MapAligned(fd.get(), size);
  if (data == MAP_FAILED) {
    return Fail("cannot map {} bytes of guest memory '{}': {}", size, name, std::strerror(errno));
  }
  return std::shared_ptr<RamBlock>(
      new RamBlock(std::move(name), size, std::move(fd), static_cast<std::byte*>(data)));
}

RamBlock::RamBlock(std::string name, u64 size, UniqueFd fd, std::byte* data)
    : name_(std::move(name)),
      size_(size),
      fd_(std::move(fd)),
      data_(data),
      dirty_((size / kPageSize + 63) / 64),
      code_(static_cast<std::atomic<u64>*>(std::calloc(size / kCodePageSize, sizeof(u64)))),
      code_chunks_(size / kCodeChunkSize + 1) {
  CHECK(code_ != nullptr);
}

RamBlock::~RamBlock() { ::munmap(data_, size_); }

void RamBlock::WriteFromDevice(u64 offset, std::span<const std::byte> data) {
  if (write_observer_ != nullptr && write_observer_->TakesDeviceWrite(*this, offset, data)) {
    return;
  }
  std::memcpy(data_ + offset, data.data(), data.size());
  MarkDirty(offset, data.size());
}

void RamBlock::NoteTableBits(u64 offset, u32 entry_size) {
  MarkDirty(offset, entry_size);
  if (write_observer_ != nullptr) {
    write_observer_->OnTableBits(*this, offset, entry_size);
  }
}

void RamBlock::SetCodeGranules(u64 page_offset, u64 granules) {
  const u64 before =
      code_[page_offset / kCodePageSize].exchange(granules, std::memory_order_acq_rel);
  const int change = (granules != 0) - (before != 0);
  code_chunks_[page_offset / kCodeChunkSize].fetch_add(static_cast<u32>(change));
  code_pages_.fetch_add(static_cast<u32>(change));
}

bool RamBlock::HasAnyCode(u64 offset, u64 length) const {
  if (length <= kCodePageSize) {
    return HasCode(offset);
  }
  const u64 last = (offset + length - 1) / kCodeChunkSize;
  for (u64 chunk = offset / kCodeChunkSize; chunk <= last; ++chunk) {
    if (code_chunks_[chunk].load(std::memory_order_acquire) != 0) {
      return true;
    }
  }
  return false;
}

void RamBlock::NoteCodeWritten(u64 offset, u64 length) {
  const u64 end = std::min(offset + length, size_);
  while (offset < end) {
    const u64 in_page = offset % kCodePageSize;
    const u64 part = std::min(end - offset, kCodePageSize - in_page);
    const u64 touched = BitSpan(static_cast<unsigned>(in_page / 64),
                                static_cast<unsigned>((in_page + part - 1) / 64));
    if ((code_[offset / kCodePageSize].load(std::memory_order_acquire) & touched) != 0) {
      observer_->OnCodeWritten(*this, offset, part);
    }
    offset += part;
  }
}

void RamBlock::MarkDirty(u64 offset, u64 length) {
  if (code_pages_.load(std::memory_order_relaxed) != 0) {
    NoteCodeWritten(offset, length);
  }
  if (!dirty_logging() || length == 0) {
    return;
  }
  DCHECK(offset + length <= size_);
  for (u64 page = offset / kPageSize; page <= (offset + length - 1) / kPageSize; ++page) {
    dirty_[page / 64].fetch_or(u64{1} << (page % 64), std::memory_order_relaxed);
  }
}

std::vector<u64> RamBlock::TakeDirty() {
  std::vector<u64> bitmap(dirty_.size());
  for (size_t i = 0; i < dirty_.size(); ++i) {
    bitmap[i] = dirty_[i].exchange(0, std::memory_order_relaxed);
  }
  return bitmap;
}

}  // namespace tandem::devices
