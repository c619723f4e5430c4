#include "devices/bus/ram_block.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/bits.h"
#include "base/log.h"
#include "devices/bus/address.h"

namespace tandem::devices {

Result<std::shared_ptr<RamBlock>> RamBlock::Create(std::string name, u64 size) {
  size = AlignUp(size, kPageSize);
  CHECK(size != 0);
  UniqueFd fd(::memfd_create(name.c_str(), MFD_CLOEXEC));
  if (!fd.valid() || ::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
    return Fail("cannot make {} bytes of guest memory '{}': {}", size, name, std::strerror(errno));
  }
  void* data =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd.get(), 0);
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
      dirty_((size / kPageSize + 63) / 64) {}

RamBlock::~RamBlock() { ::munmap(data_, size_); }

void RamBlock::MarkDirty(u64 offset, u64 length) {
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
