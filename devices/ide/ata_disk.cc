#include "devices/ide/ata_disk.h"

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "base/log.h"
#include "devices/ide/ata_identify.h"

namespace tandem::devices {

using namespace ide;

namespace {

constexpr u16 kDefaultHeads = 16;
constexpr u16 kDefaultSectorsPerTrack = 63;
constexpr u64 kMaxCylinders = 16383;

}  // namespace

AtaDisk::AtaDisk(IdePort& port, std::unique_ptr<BlockBackend> disk, std::string serial)
    : IdeDrive(port, std::move(disk)),
      serial_(std::move(serial)),
      sectors_(backend()->Size() / kSectorSize) {
  Reset();
}

void AtaDisk::ShowSignature() {
  regs_.count.Set(1);
  regs_.lba_low.Set(1);
  regs_.lba_mid.Set(0);
  regs_.lba_high.Set(0);
  regs_.status = kReady | kSeekComplete;
}

void AtaDisk::OnReset() {
  heads_ = kDefaultHeads;
  sectors_per_track_ = kDefaultSectorsPerTrack;
  multiple_ = 0;
  is_trim_ = false;
}

std::optional<u64> AtaDisk::Address(bool is_ext) const {
  const u64 low = regs_.lba_low.now | u64{regs_.lba_mid.now} << 8 | u64{regs_.lba_high.now} << 16;
  if (is_ext) {
    return low | u64{regs_.lba_low.before} << 24 | u64{regs_.lba_mid.before} << 32 |
           u64{regs_.lba_high.before} << 40;
  }
  const u64 head = regs_.device & 0xf;
  if ((regs_.device & kLbaMode) != 0) {
    return low | head << 24;
  }
  const u64 sector = regs_.lba_low.now;
  if (sector == 0 || sector > sectors_per_track_ || head >= heads_) {
    return std::nullopt;
  }
  return ((low >> 8) * heads_ + head) * sectors_per_track_ + sector - 1;
}

// What the command names, if the disk has it; else ends the command with "ID not found".
std::optional<AtaDisk::Extent> AtaDisk::TakeExtent(bool is_ext) {
  u32 count = is_ext ? regs_.count.before << 8 | regs_.count.now : regs_.count.now;
  if (count == 0) {
    count = is_ext ? 65536 : 256;
  }
  const std::optional<u64> lba = Address(is_ext);
  if (!lba || *lba >= sectors_ || count > sectors_ - *lba) {
    Abort(kIdNotFound);
    return std::nullopt;
  }
  return Extent{*lba, count};
}

std::function<void(int)> AtaDisk::EndOrError() {
  return [this](int error) {
    if (error != 0) {
      Abort(kAborted);
    } else {
      Complete();
    }
  };
}

void AtaDisk::Read(bool is_ext, bool dma, u32 block_sectors) {
  const std::optional<Extent> extent = TakeExtent(is_ext);
  if (!extent) {
    return;
  }
  const size_t bytes = extent->sectors * kSectorSize;
  NewBuffer(bytes);
  Submit(BlockOp::kRead, extent->lba * kSectorSize, 0, bytes,
         [this, bytes, dma, block_sectors](int error) {
           if (error != 0) {
             Abort(kUncorrectable);
           } else if (dma) {
             StartDma(Phase::kDmaIn, bytes);
           } else {
             StartPioIn(bytes, block_sectors * kSectorSize);
           }
         });
}

void AtaDisk::Write(bool is_ext, bool dma, u32 block_sectors) {
  const std::optional<Extent> extent = TakeExtent(is_ext);
  if (!extent) {
    return;
  }
  if (backend()->IsReadOnly()) {
    Abort(kAborted);
    return;
  }
  const size_t bytes = extent->sectors * kSectorSize;
  NewBuffer(bytes);
  write_lba_ = extent->lba;
  if (dma) {
    StartDma(Phase::kDmaOut, bytes);
  } else {
    StartPioOut(bytes, block_sectors * kSectorSize, false);
  }
}

// Each block goes to the backend before the next one is asked for.
void AtaDisk::OnPioOutBlock() {
  const size_t start = block_start();
  Submit(BlockOp::kWrite, write_lba_ * kSectorSize + start, start, position() - start,
         [this](int error) {
           if (error != 0) {
             Abort(kAborted);
           } else if (position() < total()) {
             ContinuePioOut();
           } else {
             Complete();
           }
         });
}

void AtaDisk::OnDmaOutDone() {
  if (is_trim_) {
    Trim(0);
    return;
  }
  Submit(BlockOp::kWrite, write_lba_ * kSectorSize, 0, total(), EndOrError());
}

void AtaDisk::Verify(bool is_ext) {
  if (TakeExtent(is_ext)) {
    Complete();
  }
}

void AtaDisk::Flush() { Submit(BlockOp::kFlush, 0, 0, 0, EndOrError()); }

void AtaDisk::Identify() {
  const u64 cylinders = sectors_ / (u64{heads_} * sectors_per_track_);
  const IdentifyData data =
      IdentifyDisk({sectors_, static_cast<u16>(std::clamp<u64>(cylinders, 1, kMaxCylinders)),
                    heads_, sectors_per_track_, multiple_, transfer_mode_, serial_});
  NewBuffer(sizeof(data));
  std::memcpy(buffer().data(), data.data(), sizeof(data));
  StartPioIn(sizeof(data), kSectorSize);
}

void AtaDisk::SetFeatures() {
  switch (regs_.feature.now) {
    case 0x03:
      transfer_mode_ = regs_.count.now;
      return Complete();
    case 0x02:  // write cache, look-ahead and power-on defaults: accepted, without effect
    case 0x82:
    case 0x55:
    case 0xaa:
    case 0x66:
    case 0xcc:
      return Complete();
    default:
      return Abort(kAborted);
  }
}

void AtaDisk::SetMultiple() {
  const u8 count = regs_.count.now;
  if (count > kMaxMultiple || (count & (count - 1)) != 0) {
    multiple_ = 0;
    return Abort(kAborted);
  }
  multiple_ = count;
  Complete();
}

void AtaDisk::InitializeParameters() {
  if (regs_.count.now == 0) {
    return Abort(kAborted);
  }
  sectors_per_track_ = regs_.count.now;
  heads_ = static_cast<u16>((regs_.device & 0xf) + 1);
  Complete();
}

void AtaDisk::ReadNativeMax(bool is_ext) {
  const u64 last = is_ext ? sectors_ - 1 : std::min<u64>(sectors_ - 1, 0x0fffffff);
  regs_.lba_low = {static_cast<u8>(last), static_cast<u8>(last >> 24)};
  regs_.lba_mid = {static_cast<u8>(last >> 8), static_cast<u8>(last >> 32)};
  regs_.lba_high = {static_cast<u8>(last >> 16), static_cast<u8>(last >> 40)};
  if (!is_ext) {
    regs_.device = static_cast<u8>((regs_.device & 0xf0) | (last >> 24 & 0xf));
  }
  Complete();
}

// Only TRIM exists; its ranges come as data.
void AtaDisk::DataSetManagement() {
  const size_t bytes = (regs_.count.before << 8 | regs_.count.now) * kSectorSize;
  if ((regs_.feature.now & 1) == 0 || bytes == 0 || backend()->IsReadOnly()) {
    return Abort(kAborted);
  }
  NewBuffer(bytes);
  is_trim_ = true;
  StartDma(Phase::kDmaOut, bytes);
}

// Range by range: 48 bits of address, 16 of length; empty ones are padding.
void AtaDisk::Trim(size_t at) {
  for (; at < total(); at += 8) {
    const u64 entry = LoadLe<u64>(buffer().data() + at);
    const u64 lba = BitsOf(entry, 0, 48);
    const u64 count = entry >> 48;
    if (count == 0) {
      continue;
    }
    if (lba >= sectors_ || count > sectors_ - lba) {
      return Abort(kIdNotFound);
    }
    return Submit(BlockOp::kDiscard, lba * kSectorSize, 0, count * kSectorSize,
                  [this, at](int error) {
                    if (error != 0) {
                      Abort(kAborted);
                    } else {
                      Trim(at + 8);
                    }
                  });
  }
  Complete();
}

bool AtaDisk::ExecuteTransfer(u8 command) {
  switch (command) {
    case 0x20:
    case 0x21:
    case 0x24:
      Read(command == 0x24, false, 1);
      return true;
    case 0x30:
    case 0x31:
    case 0x34:
      Write(command == 0x34, false, 1);
      return true;
    case 0xc4:
    case 0x29:
      multiple_ != 0 ? Read(command == 0x29, false, multiple_) : Abort(kAborted);
      return true;
    case 0xc5:
    case 0x39:
      multiple_ != 0 ? Write(command == 0x39, false, multiple_) : Abort(kAborted);
      return true;
    case 0xc8:
    case 0xc9:
    case 0x25:
      Read(command == 0x25, true, 1);
      return true;
    case 0xca:
    case 0xcb:
    case 0x35:
      Write(command == 0x35, true, 1);
      return true;
    case 0x40:
    case 0x41:
    case 0x42:
      Verify(command == 0x42);
      return true;
    case 0x06:
      DataSetManagement();
      return true;
    default:
      return false;
  }
}

bool AtaDisk::ExecuteSettings(u8 command) {
  switch (command) {
    case 0xec:
      Identify();
      return true;
    case 0xef:
      SetFeatures();
      return true;
    case 0xc6:
      SetMultiple();
      return true;
    case 0x91:
      InitializeParameters();
      return true;
    case 0xe7:
    case 0xea:
      Flush();
      return true;
    case 0xf8:
    case 0x27:
      ReadNativeMax(command == 0x27);
      return true;
    case 0x98:
    case 0xe5:  // CHECK POWER MODE: active
      regs_.count.Set(0xff);
      Complete();
      return true;
    default:
      return false;
  }
}

void AtaDisk::Execute(u8 command) {
  is_trim_ = false;
  if (ExecuteTransfer(command) || ExecuteSettings(command)) {
    return;
  }
  const bool is_recalibrate_or_seek = (command & 0xf0) == 0x10 || (command & 0xf0) == 0x70;
  const bool is_power =
      (command >= 0xe0 && command <= 0xe6) || (command >= 0x94 && command <= 0x99);
  if (is_recalibrate_or_seek || is_power) {
    return Complete();
  }
  Log(LogItem::kUnimp, "ide: disk command {:#04x} is aborted", command);
  Abort(kAborted);
}

}  // namespace tandem::devices
