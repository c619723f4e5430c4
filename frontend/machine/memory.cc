#include <algorithm>

#include "base/log.h"
#include "devices/legacy/pflash.h"
#include "devices/storage/open_disk.h"
#include "firmware/rom.h"
#include "frontend/machine/board.h"

// RAM, the BIOS ROM and the shadow RAM between them.
namespace tandem::frontend {
namespace {

// The pflash drives in order of their units: firmware code, then its variable store.
std::vector<const DriveConfig*> FlashDrives(const MachineConfig& config) {
  std::vector<const DriveConfig*> drives;
  for (const DriveConfig& drive : config.drives) {
    if (drive.interface == DriveInterface::kPflash) {
      drives.push_back(&drive);
    }
  }
  const auto unit = [](const DriveConfig* drive) {
    return drive->unit ? *drive->unit : drive->index.value_or(0);
  };
  std::stable_sort(drives.begin(), drives.end(),
                   [&](const auto* a, const auto* b) { return unit(a) < unit(b); });
  return drives;
}

Result<std::shared_ptr<devices::RamBlock>> MakeRom(const Board& board) {
  if (const auto flash = FlashDrives(board.config); !flash.empty()) {
    return firmware::LoadFlashCode(flash[0]->file);
  }
  if (!board.BootsThroughBios()) {
    return firmware::MakeBiosRom(firmware::Bytes(firmware::kBiosRomSize));
  }
  const std::string& path = board.config.bios;
  return firmware::LoadBiosRom(path.empty() ? firmware::kDefaultBios : path);
}

Result<void> MapRam(Board& board) {
  const firmware::Board facts = board.Facts();
  const auto low = board.memory.MapRam(Gpa(0), facts.LowRam(), board.ram, 0, /*read_only=*/false);
  if (!low) {
    return low.error();
  }
  if (facts.HighRam() != 0) {
    const auto high = board.memory.MapRam(Gpa(firmware::k4GiB), facts.HighRam(), board.ram,
                                          facts.LowRam(), /*read_only=*/false);
    if (!high) {
      return high.error();
    }
  }
  return {};
}

// The second flash drive, right below the firmware's code.
Result<void> MapVariableStore(Board& board) {
  const auto flash = FlashDrives(board.config);
  if (flash.size() > 2) {
    return Fail("-drive if=pflash,file={}: there are two flash drives at most, code and variables",
                flash[2]->file);
  }
  if (flash.size() < 2) {
    return {};
  }
  auto image = devices::OpenImage({flash[1]->file, "raw", flash[1]->read_only, flash[1]->snapshot});
  if (!image) {
    return image.error();
  }
  auto store = devices::Pflash::Create(std::move(*image));
  if (!store) {
    return store.error();
  }
  const u64 size = (*store)->size();
  return board.AddMmio(firmware::k4GiB - board.rom->size() - size, size, std::move(*store));
}

}  // namespace

Result<void> AddMemory(Board& board) {
  auto ram = devices::RamBlock::Create("pc.ram", board.config.ram_bytes);
  if (!ram) {
    return ram.error();
  }
  board.ram = *ram;
  if (Result<void> mapped = MapRam(board); !mapped) {
    return mapped;
  }
  auto rom = MakeRom(board);
  if (!rom) {
    return rom.error();
  }
  board.rom = *rom;
  const auto mapped = board.memory.MapRam(Gpa(firmware::k4GiB - board.rom->size()),
                                          board.rom->size(), board.rom, 0, /*read_only=*/true);
  if (!mapped) {
    return mapped.error();
  }
  if (Result<void> done = MapVariableStore(board); !done) {
    return done;
  }
  board.shadow_ram = std::make_unique<devices::ShadowRam>(board.memory, board.ram, board.rom);
  return {};
}

}  // namespace tandem::frontend
