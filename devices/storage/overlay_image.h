#pragma once

#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "devices/storage/block_image.h"

namespace tandem::devices {

// snapshot=on: writes go to a nameless temporary file and are gone with it; the base is only read.
class OverlayImage final : public BlockImage {
 public:
  static Result<std::unique_ptr<OverlayImage>> Create(std::unique_ptr<BlockImage> base);

  u64 Size() const override { return base_->Size(); }
  bool IsReadOnly() const override { return false; }
  int Read(u64 offset, std::span<std::byte> data) override;
  int Write(u64 offset, std::span<const std::byte> data) override;
  int Flush() override { return 0; }
  int Discard(u64, u64) override { return 0; }

 private:
  static constexpr u64 kClusterSize = 65536;

  OverlayImage(std::unique_ptr<BlockImage> base, UniqueFd fd);
  int CopyUp(u64 cluster);

  const std::unique_ptr<BlockImage> base_;
  const UniqueFd fd_;
  Mutex mu_{LockRank::kBackend};  // guards is_ours_, and that a copy is whole before it is seen
  std::vector<bool> is_ours_;     // by cluster
};

}  // namespace tandem::devices
