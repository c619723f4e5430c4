#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "firmware/board.h"
#include "firmware/bytes.h"
#include "firmware/kernel.h"

namespace tandem::firmware {

// One thing that fw_cfg serves: under a fixed key, or as a file of the directory.
struct FwCfgItem {
  std::variant<u16, std::string> name;
  Bytes bytes;
};

// What the user asked for that firmware honours.
struct BootChoices {
  std::vector<std::string> boot_order;  // OpenFirmware device paths, first to last; see IdeBootPath
  std::optional<u32> menu_wait_ms;      // -boot menu=on,splash-time=
  bool menu = false;
  bool strict = false;
  bool has_display = true;  // false: etc/sercon-port, SeaBIOS's serial console
};

// OpenFirmware paths of the board's own devices as SeaBIOS and OVMF match them.
std::string IdeBootPath(unsigned channel, unsigned drive);
inline constexpr const char* kLinuxBootRomPath = "/rom@genroms/linuxboot.bin";

// Memory map, processor counts, ACPI and SMBIOS tables, boot order.
std::vector<FwCfgItem> FwCfgItems(const Board& board, const BootChoices& choices);

// -kernel on the BIOS path: the image's parts and the boot ROM genroms/linuxboot.bin, which takes
// them from there. Put kLinuxBootRomPath first in the boot order.
Result<std::vector<FwCfgItem>> KernelFwCfgItems(const Board& board, const KernelFiles& files);

}  // namespace tandem::firmware
