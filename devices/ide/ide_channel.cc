#include "devices/ide/ide_channel.h"

#include "base/check.h"
#include "devices/ide/ata_disk.h"
#include "devices/ide/atapi_cdrom.h"

namespace tandem::devices {

using namespace ide;

namespace {

constexpr u8 kNoInterrupts = 0x02;
constexpr u8 kSoftReset = 0x04;
constexpr u8 kHighOrderByte = 0x80;
constexpr u8 kExecuteDiagnostic = 0x90;

}  // namespace

void IdeChannel::AddDisk(unsigned drive, std::unique_ptr<BlockBackend> disk, std::string serial) {
  CHECK(drive < 2 && !drives_[drive]);
  IdePort& port = *this;
  drives_[drive] = std::make_unique<AtaDisk>(port, std::move(disk), std::move(serial));
  bus_master_.SetDriveCapable(drive);
}

void IdeChannel::AddCdrom(unsigned drive, std::unique_ptr<BlockBackend> disc, std::string serial) {
  CHECK(drive < 2 && !drives_[drive]);
  IdePort& port = *this;
  drives_[drive] = std::make_unique<AtapiCdrom>(port, std::move(disc), std::move(serial));
  bus_master_.SetDriveCapable(drive);
}

void IdeChannel::UpdateIrq() { irq_.Set(irq_pending_ && (control_ & kNoInterrupts) == 0); }

void IdeChannel::RaiseIrq() {
  irq_pending_ = true;
  bus_master_.NoteIrq();
  UpdateIrq();
}

void IdeChannel::RequestDma(IdeDrive& drive) {
  if (!bus_master_.IsStarted()) {
    return;
  }
  const BusMaster::Direction direction = drive.phase() == IdeDrive::Phase::kDmaIn
                                             ? BusMaster::Direction::kToMemory
                                             : BusMaster::Direction::kToDrive;
  drive.FinishDma(bus_master_.Move(function_, drive.dma_bytes(), direction));
}

void IdeChannel::Submit(IdeDrive& drive, BlockRequest request,
                        std::shared_ptr<std::vector<std::byte>> data,
                        std::function<void(int)> then) {
  request.done = [self = weak_from_this(), &drive, generation = drive.generation(),
                  data = std::move(data), then = std::move(then)](int error) {
    const std::shared_ptr<IdeChannel> channel = self.lock();
    if (!channel) {
      return;
    }
    MutexLock lock(channel->mu_);
    if (drive.generation() == generation) {
      then(error);
    }
  };
  drive.backend()->Submit(std::move(request));
}

u8 IdeChannel::ReadRegister(u64 index) {
  IdeDrive* drive = Selected();
  if (drive == nullptr) {
    return 0;  // nothing drives the bus but pull-downs on BSY and DRQ
  }
  const TaskFile& regs = drive->regs();
  const bool high = (control_ & kHighOrderByte) != 0;
  const auto deep = [high](const DeepRegister& reg) { return high ? reg.before : reg.now; };
  switch (index) {
    case 1:
      return regs.error;
    case 2:
      return deep(regs.count);
    case 3:
      return deep(regs.lba_low);
    case 4:
      return deep(regs.lba_mid);
    case 5:
      return deep(regs.lba_high);
    case 6:
      return static_cast<u8>(regs.device | 0xa0 | (selected_ != 0 ? kSecondDrive : 0));
    default:
      irq_pending_ = false;
      UpdateIrq();
      return regs.status;
  }
}

void IdeChannel::DoRead(u64 offset, std::span<std::byte> data) {
  SetAccessValue(data, ~u64{0});
  if (offset < kCommandOffset) {
    for (size_t i = 0; i < data.size(); ++i) {
      data[i] = std::byte{bus_master_.ReadByte(offset - kBusMasterOffset + i)};
    }
  } else if (offset == kControlOffset) {
    data[0] = std::byte{Selected() != nullptr ? Selected()->regs().status : u8{0}};
  } else if (offset != kCommandOffset) {
    data[0] = std::byte{ReadRegister(offset - kCommandOffset)};
  } else if (IdeDrive* drive = Selected()) {
    drive->ReadData(data);
  }
}

// Both drives of a channel hear all writes.
void IdeChannel::WriteRegister(u64 index, u8 value) {
  control_ &= static_cast<u8>(~kHighOrderByte);
  for (const std::unique_ptr<IdeDrive>& drive : drives_) {
    if (!drive || (drive->regs().status & kBusy) != 0) {
      continue;
    }
    TaskFile& regs = drive->regs();
    switch (index) {
      case 1:
        regs.feature.Write(value);
        break;
      case 2:
        regs.count.Write(value);
        break;
      case 3:
        regs.lba_low.Write(value);
        break;
      case 4:
        regs.lba_mid.Write(value);
        break;
      case 5:
        regs.lba_high.Write(value);
        break;
      case 6:
        regs.device = static_cast<u8>(value & ~kSecondDrive);
        break;
      default:
        break;
    }
  }
  if (index == 6) {
    selected_ = (value & kSecondDrive) != 0 ? 1 : 0;
  }
}

void IdeChannel::WriteCommand(u8 command) {
  irq_pending_ = false;
  UpdateIrq();
  control_ &= static_cast<u8>(~kHighOrderByte);
  if (command == kExecuteDiagnostic) {
    ResetDrives();
    RaiseIrq();
    return;
  }
  if (IdeDrive* drive = Selected()) {
    drive->WriteCommand(command);
  }
}

void IdeChannel::ResetDrives() {
  selected_ = 0;
  for (const std::unique_ptr<IdeDrive>& drive : drives_) {
    if (drive) {
      drive->Reset();
    }
  }
}

void IdeChannel::WriteControl(u8 value) {
  const bool was_in_reset = (control_ & kSoftReset) != 0;
  control_ = value;
  const bool is_in_reset = (value & kSoftReset) != 0;
  if (is_in_reset && !was_in_reset) {
    irq_pending_ = false;
    ResetDrives();
    for (const std::unique_ptr<IdeDrive>& drive : drives_) {
      if (drive) {
        drive->regs().status = kBusy;
      }
    }
  } else if (was_in_reset && !is_in_reset) {
    ResetDrives();
  }
  UpdateIrq();
}

void IdeChannel::WriteBusMaster(u64 offset, std::span<const std::byte> data) {
  bool starts = false;
  for (size_t i = 0; i < data.size(); ++i) {
    starts |= bus_master_.WriteByte(offset + i, static_cast<u8>(data[i]));
  }
  for (const std::unique_ptr<IdeDrive>& drive : drives_) {
    const IdeDrive::Phase phase = drive ? drive->phase() : IdeDrive::Phase::kIdle;
    if (starts && (phase == IdeDrive::Phase::kDmaIn || phase == IdeDrive::Phase::kDmaOut)) {
      RequestDma(*drive);
    }
  }
}

void IdeChannel::DoWrite(u64 offset, std::span<const std::byte> data) {
  const u8 value = static_cast<u8>(data[0]);
  if (offset < kCommandOffset) {
    WriteBusMaster(offset - kBusMasterOffset, data);
  } else if (offset == kControlOffset) {
    WriteControl(value);
  } else if (offset == kCommandOffset) {
    if (IdeDrive* drive = Selected()) {
      drive->WriteData(data);
    }
  } else if (offset == kCommandOffset + 7) {
    WriteCommand(value);
  } else {
    WriteRegister(offset - kCommandOffset, value);
  }
}

void IdeChannel::DoReset() {
  bus_master_.Reset();
  control_ = 0;
  irq_pending_ = false;
  ResetDrives();
  for (unsigned drive = 0; drive < drives_.size(); ++drive) {
    if (drives_[drive]) {
      bus_master_.SetDriveCapable(drive);
    }
  }
  UpdateIrq();
}

}  // namespace tandem::devices
