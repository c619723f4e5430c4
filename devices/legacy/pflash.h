#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "devices/bus/device.h"
#include "devices/storage/block_image.h"

namespace tandem::devices {

// A NOR flash with the Intel command set (CFI 1; Intel Application Note 646, "Common Flash
// Interface"), 8 bits wide with 4 KiB blocks: where UEFI firmware keeps its variables. Each program
// and erase goes to the image at once. It is all commands and answers, so code cannot run from it:
// the code part of a firmware image is mapped as ROM instead.
class Pflash final : public Device {
 public:
  static constexpr u64 kBlockSize = 4096;

  // The image's size, a multiple of 4 KiB, is the flash's.
  static Result<std::shared_ptr<Pflash>> Create(std::unique_ptr<BlockImage> image);

  u64 size() const { return data_.size(); }

 private:
  enum class Mode : u8 {
    kReadArray,
    kReadStatus,
    kReadId,
    kReadCfi,
    kProgram,      // the next byte is data
    kErase,        // the next byte confirms
    kLock,         // the next byte says what to do with the block
    kBufferCount,  // the next byte is the number of bytes, less one
    kBufferData,
    kBufferConfirm,
  };

  Pflash(std::unique_ptr<BlockImage> image, std::vector<std::byte> data);
  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override;
  u8 ReadByte(u64 offset) const;
  void WriteByte(u64 offset, u8 value);
  void Command(u8 value);
  void Program(u64 offset, std::span<const std::byte> bytes);
  void EraseBlock(u64 offset);
  void Persist(u64 offset, u64 length);

  const std::unique_ptr<BlockImage> image_;
  std::vector<std::byte> data_;
  Mode mode_ = Mode::kReadArray;
  u8 status_ = 0;
  std::vector<std::byte> buffer_;
  u64 buffer_start_ = 0;
  u32 buffer_left_ = 0;
};

}  // namespace tandem::devices
