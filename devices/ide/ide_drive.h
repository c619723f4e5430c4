#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "devices/ide/task_file.h"
#include "devices/storage/block_backend.h"

namespace tandem::devices {

class IdeDrive;

// What a drive sees of its channel. All calls both ways are made under the channel's lock.
class IdePort {
 public:
  virtual ~IdePort() = default;
  virtual void RaiseIrq() = 0;
  // The drive is in a DMA phase: the channel calls OnDma* when the bus master is started.
  virtual void RequestDma(IdeDrive& drive) = 0;
  // Sends request to the drive's backend. then(errno) is called later under the channel's lock,
  // unless the drive was reset meanwhile. The request's buffers belong to data.
  virtual void Submit(IdeDrive& drive, BlockRequest request,
                      std::shared_ptr<std::vector<std::byte>> data,
                      std::function<void(int)> then) = 0;
};

// One drive: its registers, and the protocol by which data moves between its buffer and the host
// (ATA/ATAPI-6, 9: PIO data-in, PIO data-out, DMA). Derived classes know the commands.
class IdeDrive {
 public:
  enum class Phase : u8 { kIdle, kPioIn, kPioOut, kDmaIn, kDmaOut };

  IdeDrive(IdePort& port, std::unique_ptr<BlockBackend> backend)
      : port_(port), backend_(std::move(backend)) {}
  virtual ~IdeDrive() = default;
  IdeDrive(const IdeDrive&) = delete;
  IdeDrive& operator=(const IdeDrive&) = delete;

  // Power-on, SRST, DEVICE RESET and EXECUTE DEVICE DIAGNOSTIC: drops what is in progress and shows
  // the signature.
  void Reset();
  void WriteCommand(u8 command);
  // The data port.
  void ReadData(std::span<std::byte> data);
  void WriteData(std::span<const std::byte> data);

  ide::TaskFile& regs() { return regs_; }
  Phase phase() const { return phase_; }
  // Bytes of the DMA phase in progress.
  std::span<std::byte> dma_bytes() { return std::span(*buffer_).first(total_); }
  // The bus master has moved all of dma_bytes, or could not.
  void FinishDma(bool moved);

  BlockBackend* backend() { return backend_.get(); }
  // Counts resets: completions of earlier requests are stale.
  u64 generation() const { return generation_; }

 protected:
  // Data phases over the first `bytes` of buffer_; PIO moves block bytes per interrupt.
  void StartPioIn(size_t bytes, size_t block);
  void StartPioOut(size_t bytes, size_t block, bool interrupt_first);
  void ContinuePioOut();
  void StartDma(Phase phase, size_t bytes);
  // A fresh buffer of at least this size, so that late completions cannot touch the new one.
  void NewBuffer(size_t bytes);
  std::vector<std::byte>& buffer() { return *buffer_; }
  size_t position() const { return position_; }
  size_t total() const { return total_; }
  size_t block_start() const { return block_start_; }

  // Ends the command: ready, or with these error bits; raises the interrupt.
  void Complete();
  void Abort(u8 error_bits);
  void SetIdle(u8 status);
  void Submit(BlockOp op, u64 offset, size_t start, size_t bytes, std::function<void(int)> then);

  IdePort& port_;
  ide::TaskFile regs_;

 private:
  virtual void Execute(u8 command) = 0;
  virtual void ShowSignature() = 0;
  // Drops a multi-step command.
  virtual void OnReset() = 0;
  // A data-in block is about to be offered.
  virtual void OnBlockOffered(size_t bytes) = 0;
  // The host has taken all of a PIO data-in command, or filled a PIO data-out block.
  virtual void OnPioInDone() = 0;
  virtual void OnPioOutBlock() = 0;
  virtual void OnDmaInDone() = 0;
  virtual void OnDmaOutDone() = 0;
  void OfferBlock();

  std::unique_ptr<BlockBackend> backend_;
  std::shared_ptr<std::vector<std::byte>> buffer_ = std::make_shared<std::vector<std::byte>>();
  Phase phase_ = Phase::kIdle;
  size_t position_ = 0;
  size_t block_start_ = 0;
  size_t block_end_ = 0;
  size_t block_size_ = 0;
  size_t total_ = 0;
  u64 generation_ = 0;
};

}  // namespace tandem::devices
