#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "devices/storage/block_image.h"

namespace tandem::devices {

// A file or block device that holds the sectors one after the other. Its size is fixed when it is
// opened, rounded up to whole sectors.
class RawImage final : public BlockImage {
 public:
  // Takes a lock on the file (shared where read_only), so that no two machines write one image.
  static Result<std::unique_ptr<RawImage>> Open(const std::string& path, bool read_only);

  u64 Size() const override { return size_; }
  bool IsReadOnly() const override { return read_only_; }
  int Read(u64 offset, std::span<std::byte> data) override;
  int Write(u64 offset, std::span<const std::byte> data) override;
  int Flush() override;
  int Discard(u64 offset, u64 length) override;

 private:
  RawImage(UniqueFd fd, u64 size, bool read_only, bool is_block_device)
      : fd_(std::move(fd)), size_(size), read_only_(read_only), is_device_(is_block_device) {}

  const UniqueFd fd_;
  const u64 size_;
  const bool read_only_;
  const bool is_device_;
};

}  // namespace tandem::devices
