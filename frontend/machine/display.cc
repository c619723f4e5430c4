#include "base/log.h"
#include "devices/display/std_vga.h"
#include "firmware/rom.h"
#include "frontend/machine/board.h"

// The standard VGA with its video BIOS.
namespace tandem::frontend {
namespace {

constexpr u32 kVgaSlot = 2;
constexpr const char* kVgaBios = "vgabios-stdvga.bin";

Result<std::shared_ptr<devices::RamBlock>> VideoBios() {
  const auto file = firmware::LoadOptionRom(kVgaBios);
  if (!file) {
    return file.error();
  }
  return firmware::MakeBiosRom(*file);
}

}  // namespace

Result<void> AddDisplay(Board& board) {
  if (!board.config.has_vga) {
    return {};
  }
  std::shared_ptr<devices::RamBlock> rom;
  if (board.BootsThroughBios()) {
    auto loaded = VideoBios();
    if (!loaded) {
      return loaded.error();
    }
    rom = *loaded;
  }
  auto vga = devices::StdVga::Create(std::move(rom));
  if (!vga) {
    return vga.error();
  }
  board.vga = *vga;
  return board.pci->Plug(kVgaSlot, 0, *vga);
}

}  // namespace tandem::frontend
