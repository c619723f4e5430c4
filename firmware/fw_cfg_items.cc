#include "firmware/fw_cfg_items.h"

#include <fmt/format.h>

#include "firmware/acpi.h"
#include "firmware/e820.h"
#include "firmware/smbios.h"

namespace tandem::firmware {
namespace {

// QEMU's docs/specs/fw_cfg and SeaBIOS's Runtime_config name these.
constexpr u16 kUuid = 0x02;
constexpr u16 kRamSize = 0x03;
constexpr u16 kNoGraphic = 0x04;
constexpr u16 kCpuCount = 0x05;
constexpr u16 kBootMenu = 0x0e;
constexpr u16 kMaxCpus = 0x0f;
constexpr u16 kIrq0Override = 0x8002;

Bytes Number16(u64 value) { return ByteWriter().U16(value).Take(); }

void AddBootChoices(std::vector<FwCfgItem>& items, const BootChoices& choices) {
  std::string order;
  for (const std::string& path : choices.boot_order) {
    order += path + "\n";
  }
  if (choices.strict) {
    order += "HALT\n";
  }
  if (!order.empty()) {
    items.push_back({"bootorder", ByteWriter().Text(order).U8(0).Take()});
  }
  items.push_back({kBootMenu, Number16(choices.menu ? 1 : 0)});
  if (choices.menu_wait_ms) {
    items.push_back({"etc/boot-menu-wait", Number16(*choices.menu_wait_ms)});
  }
  items.push_back({kNoGraphic, Number16(choices.has_display ? 0 : 1)});
  if (!choices.has_display) {
    items.push_back({"etc/sercon-port", Number16(0x3f8)});
  }
}

void AddTables(std::vector<FwCfgItem>& items, const Board& board) {
  const Linker acpi = BuildAcpi(board);
  for (const auto& [name, bytes] : acpi.files()) {
    items.push_back({name, bytes});
  }
  items.push_back({"etc/table-loader", acpi.script()});
  Smbios smbios = BuildSmbios(board);
  items.push_back({"etc/smbios/smbios-anchor", LinkSmbios(smbios, 0)});
  items.push_back({"etc/smbios/smbios-tables", std::move(smbios.tables)});
}

}  // namespace

std::string IdeBootPath(unsigned channel, unsigned drive) {
  return fmt::format("/pci@i0cf8/ide@1,1/drive@{}/disk@{}", channel, drive);
}

std::vector<FwCfgItem> FwCfgItems(const Board& board, const BootChoices& choices) {
  std::vector<FwCfgItem> items;
  items.push_back({kUuid, ByteWriter().Raw(std::as_bytes(std::span(board.uuid))).Take()});
  items.push_back({kRamSize, ByteWriter().U64(board.LowRam()).Take()});
  items.push_back({kCpuCount, Number16(board.cpus)});
  // SeaBIOS takes it for the bound of APIC ids.
  items.push_back({kMaxCpus, Number16(std::max(board.cpus, board.max_cpus))});
  items.push_back({kIrq0Override, ByteWriter().U32(1).Take()});
  items.push_back({"etc/e820", EncodeE820(FirmwareMap(board))});
  // S3 and S4 are not offered; the byte of S5 carries its SLP_TYP, 0, and bit 7: supported.
  items.push_back({"etc/system-states", ByteWriter().U8(128).Zeros(4).U8(128).Take()});
  AddBootChoices(items, choices);
  AddTables(items, board);
  return items;
}

}  // namespace tandem::firmware
