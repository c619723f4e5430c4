#include "devices/ide/atapi_cdrom.h"

#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "devices/ide/ata_identify.h"

namespace tandem::devices {

using namespace ide;

namespace {

// The count register as interrupt reason.
constexpr u8 kCommandPhase = 0x01;
constexpr u8 kToHost = 0x02;
constexpr size_t kMaxReply = 64 << 20;

}  // namespace

AtapiCdrom::AtapiCdrom(IdePort& port, std::unique_ptr<BlockBackend> disc, std::string serial)
    : IdeDrive(port, std::move(disc)),
      serial_(std::move(serial)),
      has_disc_(backend() != nullptr),
      blocks_(has_disc_ ? backend()->Size() / kBlockSize : 0) {
  Reset();
}

void AtapiCdrom::ShowSignature() {
  regs_.count.Set(1);
  regs_.lba_low.Set(1);
  regs_.lba_mid.Set(0x14);
  regs_.lba_high.Set(0xeb);
  regs_.status = 0;
}

void AtapiCdrom::Execute(u8 command) {
  switch (command) {
    case 0xa0:
      return StartPacket();
    case 0xa1: {
      const IdentifyData data = IdentifyCdrom(transfer_mode_, serial_);
      NewBuffer(sizeof(data));
      std::memcpy(buffer().data(), data.data(), sizeof(data));
      byte_limit_ = 0;
      return StartPioIn(sizeof(data), sizeof(data));
    }
    case 0x08:
      return Reset();  // DEVICE RESET ends without an interrupt
    case 0xef:
      if (regs_.feature.now == 0x03) {
        transfer_mode_ = regs_.count.now;
      }
      return Complete();
    case 0xe0:
    case 0xe1:
    case 0xe2:
    case 0xe3:
    case 0xe6:
    case 0xe7:
      return Complete();
    case 0xe5:
      regs_.count.Set(0xff);
      return Complete();
    case 0xec:
    case 0x20:  // these tell hosts by the signature that this is no disk
      ShowSignature();
      return Abort(kAborted);
    default:
      Log(LogItem::kUnimp, "ide: CD-ROM command {:#04x} is aborted", command);
      return Abort(kAborted);
  }
}

void AtapiCdrom::StartPacket() {
  uses_dma_ = (regs_.feature.now & 1) != 0;
  byte_limit_ = regs_.lba_mid.now | regs_.lba_high.now << 8;
  if (byte_limit_ == 0 || byte_limit_ == 0xffff) {
    byte_limit_ = 0xfffe;
  }
  regs_.count.Set(kCommandPhase);
  NewBuffer(kPacketSize);
  StartPioOut(kPacketSize, kPacketSize, false);
}

void AtapiCdrom::OnPioOutBlock() {
  std::memcpy(packet_.data(), buffer().data(), kPacketSize);
  ExecutePacket();
}

// The host learns the size of each block from the address registers.
void AtapiCdrom::OnBlockOffered(size_t bytes) {
  if (byte_limit_ != 0) {
    regs_.count.Set(kToHost);
    regs_.lba_mid.Set(static_cast<u8>(bytes));
    regs_.lba_high.Set(static_cast<u8>(bytes >> 8));
  }
}

void AtapiCdrom::OnPioInDone() {
  if (byte_limit_ != 0) {
    EndPacket();
  }
}

void AtapiCdrom::EndPacket() {
  regs_.count.Set(kToHost | kCommandPhase);
  sense_ = {};
  Complete();
}

void AtapiCdrom::FailPacket(Sense sense) {
  sense_ = sense;
  regs_.count.Set(kToHost | kCommandPhase);
  Abort(static_cast<u8>(sense.key << 4 | kAborted));
}

void AtapiCdrom::SendBuffer(size_t bytes) {
  if (bytes == 0) {
    return EndPacket();
  }
  if (uses_dma_) {
    return StartDma(Phase::kDmaIn, bytes);
  }
  // Only the last block may be odd.
  const size_t block = bytes <= byte_limit_ ? bytes : std::max<size_t>(byte_limit_ & ~1u, 2);
  StartPioIn(bytes, block);
}

void AtapiCdrom::Reply(const std::vector<std::byte>& reply, size_t allocation) {
  const size_t bytes = std::min(reply.size(), allocation);
  NewBuffer(bytes);
  std::copy_n(reply.begin(), bytes, buffer().begin());
  SendBuffer(bytes);
}

void AtapiCdrom::ReadBlocks(u64 block, u64 count) {
  if (block > blocks_ || count > blocks_ - block) {
    return FailPacket({5, 0x21});  // logical block address out of range
  }
  const u64 bytes = count * kBlockSize;
  if (bytes > kMaxReply) {
    return FailPacket({5, 0x24});
  }
  if (bytes == 0) {
    return EndPacket();
  }
  NewBuffer(bytes);
  Submit(BlockOp::kRead, block * kBlockSize, 0, bytes, [this, bytes](int error) {
    if (error != 0) {
      FailPacket({3, 0x11});  // unrecovered read error
    } else {
      SendBuffer(bytes);
    }
  });
}

}  // namespace tandem::devices
