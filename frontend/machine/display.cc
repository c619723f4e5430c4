#include "base/log.h"
#include "devices/display/std_vga.h"
#include "firmware/rom.h"
#include "frontend/machine/board.h"
#include "frontend/machine/user_devices.h"

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
  bool has_vga = board.config.has_vga;
  const Result<void> devices = ForEachDevice(board, "VGA", [&](KeyValues& keys) {
    (void)keys.Text("id");
    has_vga = true;
    return keys.Finish();
  });
  if (!devices || !has_vga) {
    return devices;
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
