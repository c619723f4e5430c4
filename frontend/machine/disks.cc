#include <array>
#include <optional>

#include "base/log.h"
#include "devices/ide/piix3_ide.h"
#include "devices/storage/open_disk.h"
#include "firmware/fw_cfg_items.h"
#include "frontend/machine/board.h"

// IDE drives and the order in which firmware tries them.
namespace tandem::frontend {
namespace {

constexpr u32 kPiixSlot = 1;
constexpr u32 kPrimaryIrq = 14;
constexpr u32 kSecondaryIrq = 15;
constexpr size_t kIdeDrives = 4;

using Slots = std::array<const DriveConfig*, kIdeDrives>;

// bus and unit, or index; nothing: the first free one.
std::optional<u32> WantedSlot(const DriveConfig& drive) {
  if (drive.bus || drive.unit) {
    return drive.bus.value_or(0) * 2 + drive.unit.value_or(0);
  }
  return drive.index;
}

Result<void> Place(const DriveConfig& drive, Slots& slots) {
  std::optional<u32> wanted = WantedSlot(drive);
  if (!wanted) {
    // As on QEMU's pc, CD-ROMs begin on the second channel.
    u32 slot = drive.media == DriveMedia::kCdrom ? 2 : 0;
    while (slot < kIdeDrives && slots[slot] != nullptr) {
      ++slot;
    }
    wanted = slot;
  }
  if (*wanted >= kIdeDrives) {
    return Fail("-drive file={}: a PC has room for four IDE drives (index 0 to 3)", drive.file);
  }
  if (slots[*wanted] != nullptr) {
    return Fail("-drive file={}: IDE drive {} is taken by '{}' already: choose another index",
                drive.file, *wanted, slots[*wanted]->file);
  }
  slots[*wanted] = &drive;
  return {};
}

Result<std::unique_ptr<devices::BlockBackend>> Open(Board& board, const DriveConfig& drive) {
  const bool is_cdrom = drive.media == DriveMedia::kCdrom;
  if (drive.file.empty()) {
    return std::unique_ptr<devices::BlockBackend>();
  }
  const devices::DiskOptions options{drive.file,
                                     is_cdrom && drive.format.empty() ? "raw" : drive.format,
                                     drive.read_only || is_cdrom, drive.snapshot && !is_cdrom};
  return devices::OpenDisk(options, board.disk_threads, board.loop);
}

Result<void> Attach(Board& board, devices::Piix3Ide& ide, u32 slot, const DriveConfig& drive) {
  auto backend = Open(board, drive);
  if (!backend) {
    return backend.error();
  }
  devices::IdeChannel& channel = ide.channel(slot / 2);
  const std::string serial = fmt::format("TD{:05}", slot + 1);
  if (drive.media == DriveMedia::kCdrom) {
    channel.AddCdrom(slot % 2, std::move(*backend), serial);
  } else {
    channel.AddDisk(slot % 2, std::move(*backend), serial);
  }
  return {};
}

// -boot's letters: c disks, d CD-ROMs. What it does not name comes last.
void OrderForBoot(Board& board, const Slots& slots) {
  std::string order = board.config.boot.order;
  for (const char letter : {'c', 'd'}) {
    if (order.find(letter) == std::string::npos) {
      order += letter;
    }
  }
  for (const char letter : order) {
    for (u32 slot = 0; slot < kIdeDrives; ++slot) {
      const bool is_cdrom = slots[slot] != nullptr && slots[slot]->media == DriveMedia::kCdrom;
      if (slots[slot] != nullptr && is_cdrom == (letter == 'd') && letter != 'n') {
        board.boot_paths.push_back(firmware::IdeBootPath(slot / 2, slot % 2));
      }
    }
  }
}

}  // namespace

Result<void> AddDisks(Board& board) {
  auto ide =
      std::make_shared<devices::Piix3Ide>(board.IsaIrq(kPrimaryIrq), board.IsaIrq(kSecondaryIrq));
  Slots slots{};
  for (const DriveConfig& drive : board.config.drives) {
    if (drive.interface == DriveInterface::kIde) {
      if (Result<void> done = Place(drive, slots); !done) {
        return done;
      }
    }
  }
  for (u32 slot = 0; slot < kIdeDrives; ++slot) {
    if (slots[slot] != nullptr) {
      if (Result<void> done = Attach(board, *ide, slot, *slots[slot]); !done) {
        return done;
      }
    }
  }
  OrderForBoot(board, slots);
  return board.pci->Plug(kPiixSlot, 1, std::move(ide));
}

}  // namespace tandem::frontend
