#include "base/log.h"
#include "devices/legacy/fw_cfg.h"
#include "firmware/file.h"
#include "firmware/fw_cfg_items.h"
#include "frontend/machine/board.h"

// What firmware learns through fw_cfg.
namespace tandem::frontend {
namespace {

std::vector<firmware::FwCfgItem> operator+(std::vector<firmware::FwCfgItem> a,
                                           std::vector<firmware::FwCfgItem> b) {
  for (firmware::FwCfgItem& item : b) {
    a.push_back(std::move(item));
  }
  return a;
}

Result<void> Add(devices::FwCfg& fw_cfg, firmware::FwCfgItem item) {
  if (const u16* key = std::get_if<u16>(&item.name)) {
    fw_cfg.AddItem(*key, std::move(item.bytes));
    return {};
  }
  return fw_cfg.AddFile(std::get<std::string>(item.name), std::move(item.bytes));
}

firmware::BootChoices ChoicesOf(const Board& board) {
  firmware::BootChoices choices;
  const BootConfig& boot = board.config.boot;
  choices.menu = boot.menu;
  choices.strict = boot.strict;
  choices.menu_wait_ms = boot.splash_time_ms;
  choices.has_display = board.config.has_display;
  if (!board.config.kernel.empty()) {
    choices.boot_order.push_back(firmware::kLinuxBootRomPath);
  }
  for (const std::string& path : board.boot_paths) {
    choices.boot_order.push_back(path);
  }
  return choices;
}

Result<firmware::FwCfgItem> UserItem(const FwCfgFileConfig& config) {
  firmware::FwCfgItem item{config.name, {}};
  if (config.file.empty()) {
    const auto bytes = std::as_bytes(std::span(config.text));
    item.bytes.assign(bytes.begin(), bytes.end());
    return item;
  }
  auto contents = firmware::ReadWholeFile(config.file, "-fw_cfg " + config.name);
  if (!contents) {
    return contents.error();
  }
  item.bytes = std::move(*contents);
  return item;
}

Result<std::vector<firmware::FwCfgItem>> KernelItems(const Board& board) {
  const MachineConfig& config = board.config;
  const auto files = firmware::ReadKernelFiles(config.kernel, config.initrd, config.append);
  if (!files) {
    return files.error();
  }
  return firmware::KernelFwCfgItems(board.Facts(), *files);
}

Result<std::vector<firmware::FwCfgItem>> AllItems(const Board& board) {
  std::vector<firmware::FwCfgItem> items = firmware::FwCfgItems(board.Facts(), ChoicesOf(board));
  if (!board.config.kernel.empty() && board.BootsThroughBios()) {  // otherwise LoadGuest's matter
    auto kernel = KernelItems(board);
    if (!kernel) {
      return kernel.error();
    }
    items = std::move(items) + std::move(*kernel);
  }
  for (const FwCfgFileConfig& config : board.config.fw_cfg) {
    auto item = UserItem(config);
    if (!item) {
      return item.error();
    }
    items.push_back(std::move(*item));
  }
  return items;
}

}  // namespace

Result<void> AddFirmwareConfig(Board& board) {
  auto fw_cfg = std::make_shared<devices::FwCfg>(board.memory);
  auto items = AllItems(board);
  if (!items) {
    return items.error();
  }
  for (firmware::FwCfgItem& item : *items) {
    if (Result<void> done = Add(*fw_cfg, std::move(item)); !done) {
      return done;
    }
  }
  return board.AddPorts(devices::FwCfg::kPort, devices::FwCfg::kLength, std::move(fw_cfg));
}

}  // namespace tandem::frontend
