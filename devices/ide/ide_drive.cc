#include "devices/ide/ide_drive.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace tandem::devices {

using namespace ide;

void IdeDrive::Reset() {
  ++generation_;
  phase_ = Phase::kIdle;
  NewBuffer(0);
  OnReset();
  regs_.error = 1;  // diagnostic code: no error
  regs_.device = 0;
  ShowSignature();
}

void IdeDrive::NewBuffer(size_t bytes) {
  buffer_ = std::make_shared<std::vector<std::byte>>(bytes);
  position_ = block_start_ = block_end_ = total_ = 0;
}

void IdeDrive::WriteCommand(u8 command) {
  if ((regs_.status & kBusy) != 0) {
    return;
  }
  phase_ = Phase::kIdle;
  regs_.error = 0;
  regs_.status = kReady | kSeekComplete;
  Execute(command);
}

void IdeDrive::SetIdle(u8 status) {
  phase_ = Phase::kIdle;
  regs_.status = status;
}

void IdeDrive::Complete() {
  SetIdle(kReady | kSeekComplete);
  port_.RaiseIrq();
}

void IdeDrive::Abort(u8 error_bits) {
  regs_.error = error_bits;
  SetIdle(kReady | kSeekComplete | kError);
  port_.RaiseIrq();
}

void IdeDrive::Submit(BlockOp op, u64 offset, size_t start, size_t bytes,
                      std::function<void(int)> then) {
  phase_ = Phase::kIdle;
  regs_.status = kBusy;
  BlockRequest request;
  request.op = op;
  request.offset = offset;
  request.length = bytes;
  if (op == BlockOp::kRead || op == BlockOp::kWrite) {
    CHECK(start + bytes <= buffer_->size());
    request.buffers.push_back(std::span(*buffer_).subspan(start, bytes));
  }
  port_.Submit(*this, std::move(request), buffer_, std::move(then));
}

void IdeDrive::OfferBlock() {
  block_start_ = position_;
  block_end_ = std::min(position_ + block_size_, total_);
  regs_.status = kReady | kSeekComplete | kDataRequest;
}

void IdeDrive::StartPioIn(size_t bytes, size_t block) {
  CHECK(bytes != 0 && block != 0 && bytes <= buffer_->size());
  phase_ = Phase::kPioIn;
  position_ = 0;
  total_ = bytes;
  block_size_ = block;
  OfferBlock();
  OnBlockOffered(block_end_ - block_start_);
  port_.RaiseIrq();
}

void IdeDrive::StartPioOut(size_t bytes, size_t block, bool interrupt_first) {
  CHECK(bytes != 0 && block != 0 && bytes <= buffer_->size());
  phase_ = Phase::kPioOut;
  position_ = 0;
  total_ = bytes;
  block_size_ = block;
  OfferBlock();
  if (interrupt_first) {
    port_.RaiseIrq();
  }
}

void IdeDrive::ContinuePioOut() {
  phase_ = Phase::kPioOut;
  OfferBlock();
  port_.RaiseIrq();
}

void IdeDrive::ReadData(std::span<std::byte> data) {
  std::fill(data.begin(), data.end(), std::byte{0xff});
  if (phase_ != Phase::kPioIn) {
    return;
  }
  const size_t part = std::min(data.size(), block_end_ - position_);
  std::memcpy(data.data(), buffer_->data() + position_, part);
  position_ += part;
  if (position_ < block_end_) {
    return;
  }
  if (position_ == total_) {
    SetIdle(kReady | kSeekComplete);
    OnPioInDone();
    return;
  }
  OfferBlock();
  OnBlockOffered(block_end_ - block_start_);
  port_.RaiseIrq();
}

void IdeDrive::WriteData(std::span<const std::byte> data) {
  if (phase_ != Phase::kPioOut) {
    return;
  }
  const size_t part = std::min(data.size(), block_end_ - position_);
  std::memcpy(buffer_->data() + position_, data.data(), part);
  position_ += part;
  if (position_ == block_end_) {
    phase_ = Phase::kIdle;
    OnPioOutBlock();
  }
}

void IdeDrive::StartDma(Phase phase, size_t bytes) {
  CHECK(bytes != 0 && bytes <= buffer_->size());
  phase_ = phase;
  total_ = bytes;
  regs_.status = kReady | kSeekComplete | kDataRequest;
  port_.RequestDma(*this);
}

void IdeDrive::FinishDma(bool moved) {
  const Phase phase = phase_;
  phase_ = Phase::kIdle;
  if (!moved) {
    Abort(kAborted);
  } else if (phase == Phase::kDmaIn) {
    OnDmaInDone();
  } else if (phase == Phase::kDmaOut) {
    OnDmaOutDone();
  }
}

}  // namespace tandem::devices
