#include <array>
#include <optional>

#include "base/log.h"
#include "devices/ide/piix3_ide.h"
#include "devices/storage/open_disk.h"
#include "firmware/fw_cfg_items.h"
#include "frontend/machine/board.h"
#include "frontend/machine/user_devices.h"

// IDE drives, of -drive and of -device ide-hd and ide-cd, and the order in which firmware tries
// them.
namespace tandem::frontend {
namespace {

constexpr u32 kPiixSlot = 1;
constexpr u32 kPrimaryIrq = 14;
constexpr u32 kSecondaryIrq = 15;
constexpr u32 kIdeDrives = 4;
constexpr u32 kUnitsPerChannel = 2;

struct Drive {
  DriveConfig config;
  std::string serial;
};
using Slots = std::array<std::optional<Drive>, kIdeDrives>;

Result<void> Put(Slots& slots, u32 slot, Drive drive) {
  if (slot >= kIdeDrives || slots[slot]) {
    return Fail("{}: IDE bus {} unit {} is {}", drive.config.where, slot / kUnitsPerChannel,
                slot % kUnitsPerChannel, slot >= kIdeDrives ? "not there" : "taken");
  }
  slots[slot] = std::move(drive);
  return {};
}

u32 FirstFree(const Slots& slots, u32 from) {
  u32 slot = from;
  while (slot < kIdeDrives && slots[slot]) {
    ++slot;
  }
  return slot;
}

// The -drive if=none,id=ID that a -device names.
Result<DriveConfig> FindDrive(const Board& board, const std::string& id, const std::string& where) {
  for (const DriveConfig& drive : board.config.drives) {
    if (drive.interface == DriveInterface::kNone && drive.id == id) {
      return drive;
    }
  }
  return Fail("{}: there is no -drive if=none,id={}", where, id);
}

// bus is "ide.0" or "ide.1".
Result<void> AddIdeDevice(const Board& board, Slots& slots, KeyValues& keys, DriveMedia media) {
  (void)keys.Text("id");
  (void)keys.Text("bootindex");
  const std::string drive_id = keys.Text("drive", "");
  const std::string bus = keys.Choice("bus", {"ide.0", "ide.1"}, "");
  const std::optional<u64> unit = keys.Number("unit", 0, 1);
  const std::string serial = keys.Text("serial", "");
  if (Result<void> done = keys.Finish(); !done) {
    return done;
  }
  Drive drive{{}, serial};
  if (!drive_id.empty()) {
    auto found = FindDrive(board, drive_id, keys.where());
    if (!found) {
      return found.error();
    }
    drive.config = std::move(*found);
  }
  drive.config.media = media;
  drive.config.where = keys.where();
  const u32 first = bus == "ide.1" ? kUnitsPerChannel : 0;
  const u32 slot = unit ? first + static_cast<u32>(*unit) : FirstFree(slots, first);
  return Put(slots, slot, std::move(drive));
}

Result<Slots> PlaceDrives(const Board& board) {
  Slots slots;
  for (const DriveConfig& drive : board.config.drives) {
    if (drive.interface == DriveInterface::kIde) {
      const u32 slot = drive.bus.value_or(0) * kUnitsPerChannel + drive.unit.value_or(0);
      if (Result<void> done = Put(slots, slot, {drive, ""}); !done) {
        return done.error();
      }
    }
  }
  for (const auto& [driver, media] :
       {std::pair("ide-hd", DriveMedia::kDisk), std::pair("ide-cd", DriveMedia::kCdrom)}) {
    const Result<void> done = ForEachDevice(board, driver, [&, media = media](KeyValues& keys) {
      return AddIdeDevice(board, slots, keys, media);
    });
    if (!done) {
      return done.error();
    }
  }
  return slots;
}

Result<std::unique_ptr<devices::BlockBackend>> Open(Board& board, const DriveConfig& drive) {
  const bool is_cdrom = drive.media == DriveMedia::kCdrom;
  if (drive.file.empty() && is_cdrom) {
    return std::unique_ptr<devices::BlockBackend>();
  }
  if (drive.file.empty()) {
    return Fail("{}: a disk needs an image: drive= names a -drive if=none,id=", drive.where);
  }
  const std::string format = is_cdrom && drive.format.empty() ? "raw" : drive.format;
  return devices::OpenDisk(
      {drive.file, format, drive.read_only || is_cdrom, drive.snapshot && !is_cdrom},
      board.disk_threads, board.loop);
}

Result<void> Attach(Board& board, devices::Piix3Ide& ide, u32 slot, const Drive& drive) {
  auto backend = Open(board, drive.config);
  if (!backend) {
    return backend.error();
  }
  devices::IdeChannel& channel = ide.channel(slot / kUnitsPerChannel);
  const u32 unit = slot % kUnitsPerChannel;
  const std::string serial = drive.serial.empty() ? fmt::format("TD{:05}", slot + 1) : drive.serial;
  if (drive.config.media == DriveMedia::kCdrom) {
    channel.AddCdrom(unit, std::move(*backend), serial);
  } else {
    channel.AddDisk(unit, std::move(*backend), serial);
  }
  return {};
}

// -boot's letters: c disks, d CD-ROMs. What it does not name comes last.
std::vector<std::string> BootPaths(const Slots& slots, std::string order) {
  for (const char letter : {'c', 'd'}) {
    if (order.find(letter) == std::string::npos) {
      order += letter;
    }
  }
  std::vector<std::string> paths;
  for (const char letter : order) {
    const DriveMedia media = letter == 'd' ? DriveMedia::kCdrom : DriveMedia::kDisk;
    for (u32 slot = 0; slot < kIdeDrives; ++slot) {
      const bool is_candidate =
          slots[slot] && slots[slot]->config.media == media && !slots[slot]->config.file.empty();
      if ((letter == 'c' || letter == 'd') && is_candidate) {
        paths.push_back(firmware::IdeBootPath(slot / kUnitsPerChannel, slot % kUnitsPerChannel));
      }
    }
  }
  return paths;
}

}  // namespace

Result<void> AddDisks(Board& board) {
  const auto slots = PlaceDrives(board);
  if (!slots) {
    return slots.error();
  }
  auto ide =
      std::make_shared<devices::Piix3Ide>(board.IsaIrq(kPrimaryIrq), board.IsaIrq(kSecondaryIrq));
  for (u32 slot = 0; slot < kIdeDrives; ++slot) {
    if ((*slots)[slot]) {
      if (Result<void> done = Attach(board, *ide, slot, *(*slots)[slot]); !done) {
        return done;
      }
    }
  }
  board.boot_paths = BootPaths(*slots, board.config.boot.order);
  return board.pci->Plug(kPiixSlot, 1, std::move(ide));
}

}  // namespace tandem::frontend
