#include "firmware/rom.h"
#include "frontend/machine/board.h"

// RAM, the BIOS ROM and the shadow RAM between them.
namespace tandem::frontend {
namespace {

Result<std::shared_ptr<devices::RamBlock>> MakeRom(const Board& board) {
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
  board.shadow_ram = std::make_unique<devices::ShadowRam>(board.memory, board.ram, board.rom);
  return {};
}

}  // namespace tandem::frontend
