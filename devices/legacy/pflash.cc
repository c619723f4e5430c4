#include "devices/legacy/pflash.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/log.h"

namespace tandem::devices {
namespace {

constexpr u8 kReady = 0x80;
constexpr u8 kSequenceError = 0x30;  // erase and program error together: improper command
constexpr u8 kProgramError = 0x10;
constexpr u8 kWriteProtected = 0x02;
constexpr u8 kConfirm = 0xd0;
constexpr u64 kMaxSize = u64{16} << 20;

// The query structure from offset 0x10 on; size and number of blocks are filled in by ReadCfi.
constexpr std::array<u8, 0x21> kCfi = {
    'Q',  'R',  'Y',  0x01, 0x00, 0x31, 0x00, 0, 0, 0, 0,  // Intel command set, table at 0x31
    0x45, 0x55, 0,    0,                                   // voltages
    0x07, 0x07, 0x0a, 0,    0x04, 0x04, 0x04, 0,           // times
    0,    0,    0,    0x08, 0,                             // size, interface, buffer of 256 bytes
    1,    0,    0,    0,    0,                             // one erase region
};

u8 ReadCfi(u64 index, u64 size) {
  const u64 last_block = size / Pflash::kBlockSize - 1;
  switch (index) {
    case 0x27:
      return static_cast<u8>(63 - __builtin_clzll(size));
    case 0x2a:
      return 0x08;
    case 0x2c:
      return 1;
    case 0x2d:
      return static_cast<u8>(last_block);
    case 0x2e:
      return static_cast<u8>(last_block >> 8);
    case 0x2f:
      return static_cast<u8>(Pflash::kBlockSize / 256);
    case 0x30:
      return static_cast<u8>(Pflash::kBlockSize / 256 >> 8);
    default:
      return index >= 0x10 && index < 0x10 + kCfi.size() ? kCfi[index - 0x10] : 0;
  }
}

}  // namespace

Result<std::shared_ptr<Pflash>> Pflash::Create(std::unique_ptr<BlockImage> image) {
  const u64 size = image->Size();
  if (size == 0 || size % kBlockSize != 0 || size > kMaxSize) {
    return Fail("a pflash image has {} bytes; a multiple of 4096 up to 16 MiB is needed", size);
  }
  std::vector<std::byte> data(size);
  if (const int error = image->Read(0, data); error != 0) {
    return Fail("cannot read a pflash image: {}", std::strerror(error));
  }
  return std::shared_ptr<Pflash>(new Pflash(std::move(image), std::move(data)));
}

Pflash::Pflash(std::unique_ptr<BlockImage> image, std::vector<std::byte> data)
    : image_(std::move(image)), data_(std::move(data)) {
  DoReset();
}

void Pflash::DoReset() {
  mode_ = Mode::kReadArray;
  status_ = kReady;
  buffer_.clear();
  buffer_left_ = 0;
}

u8 Pflash::ReadByte(u64 offset) const {
  switch (mode_) {
    case Mode::kReadArray:
      return static_cast<u8>(data_[offset]);
    case Mode::kReadCfi:
      return ReadCfi(offset & 0xff, data_.size());
    case Mode::kReadId:
      return 0;
    default:
      return status_;
  }
}

void Pflash::DoRead(u64 offset, std::span<std::byte> data) {
  for (size_t i = 0; i < data.size(); ++i) {
    data[i] = std::byte{ReadByte(offset + i)};
  }
}

void Pflash::DoWrite(u64 offset, std::span<const std::byte> data) {
  for (size_t i = 0; i < data.size(); ++i) {
    WriteByte(offset + i, static_cast<u8>(data[i]));
  }
}

void Pflash::Persist(u64 offset, u64 length) {
  const int error = image_->Write(offset, std::span(data_).subspan(offset, length));
  if (error != 0) {
    status_ |= kProgramError;
    Warn("pflash: cannot write to the image: {}", std::strerror(error));
  }
}

void Pflash::Program(u64 offset, std::span<const std::byte> bytes) {
  status_ |= kReady;
  if (image_->IsReadOnly()) {
    status_ |= kProgramError | kWriteProtected;
    return;
  }
  bytes = bytes.first(std::min<u64>(bytes.size(), data_.size() - offset));
  std::ranges::copy(bytes, data_.begin() + static_cast<long>(offset));
  Persist(offset, bytes.size());
}

void Pflash::EraseBlock(u64 offset) {
  const std::vector<std::byte> blank(kBlockSize, std::byte{0xff});
  Program(offset & ~(kBlockSize - 1), blank);
}

// The first byte of a command sequence.
void Pflash::Command(u8 value) {
  switch (value) {
    case 0x10:
    case 0x40:
      mode_ = Mode::kProgram;
      return;
    case 0x20:
    case 0x28:
      mode_ = Mode::kErase;
      return;
    case 0x60:
      mode_ = Mode::kLock;
      return;
    case 0x70:
      mode_ = Mode::kReadStatus;
      return;
    case 0x90:
      mode_ = Mode::kReadId;
      return;
    case 0x98:
      mode_ = Mode::kReadCfi;
      return;
    case 0xe8:
      status_ |= kReady;
      mode_ = Mode::kBufferCount;
      return;
    case 0x50:
      status_ = 0;
      mode_ = Mode::kReadArray;
      return;
    default:
      mode_ = Mode::kReadArray;
      return;
  }
}

void Pflash::WriteByte(u64 offset, u8 value) {
  switch (mode_) {
    case Mode::kProgram: {
      const std::byte byte{value};
      Program(offset, {&byte, 1});
      mode_ = Mode::kReadStatus;
      return;
    }
    case Mode::kErase:
      if (value == kConfirm) {
        EraseBlock(offset);
      } else {
        status_ |= kSequenceError;
      }
      mode_ = Mode::kReadStatus;
      return;
    case Mode::kLock:
      status_ |= kReady;
      mode_ = Mode::kReadStatus;
      return;
    case Mode::kBufferCount:
      buffer_.clear();
      buffer_left_ = value + 1u;
      mode_ = Mode::kBufferData;
      return;
    case Mode::kBufferData:
      buffer_start_ = buffer_.empty() ? offset : buffer_start_;
      buffer_.push_back(std::byte{value});
      mode_ = --buffer_left_ == 0 ? Mode::kBufferConfirm : mode_;
      return;
    case Mode::kBufferConfirm:
      if (value == kConfirm) {
        Program(buffer_start_, buffer_);
      } else {
        status_ |= kSequenceError;
      }
      mode_ = Mode::kReadStatus;
      return;
    default:
      return Command(value);
  }
}

}  // namespace tandem::devices
