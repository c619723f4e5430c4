#include <algorithm>

#include "base/log.h"
#include "frontend/config/draft.h"

// Kernel, firmware and boot order.
namespace tandem::frontend {
namespace {

constexpr size_t kMaxFwCfgName = 55;  // fw_cfg: 56 bytes with the final zero

Result<void> SetFile(std::string& field, const Argument& argument) {
  if (argument.value.empty()) {
    return Fail("{}: the file name is empty", argument.where);
  }
  field = argument.value;
  return {};
}

std::string TakeOrder(KeyValues& keys, std::string_view key) {
  const std::string order = keys.Text(key, "");
  for (size_t i = 0; i < order.size(); ++i) {
    if (std::string_view("acdn").find(order[i]) == std::string_view::npos) {
      keys.Reject(fmt::format("{}={}: '{}' is none of a, c (disk), d (CD-ROM) and n (network)", key,
                              order, order[i]));
    } else if (order.find(order[i]) != i) {
      keys.Reject(fmt::format("{}={}: '{}' is there twice", key, order, order[i]));
    }
  }
  return order;
}

std::optional<u32> TakeMilliseconds(KeyValues& keys, std::string_view key) {
  const std::optional<u64> value = keys.Number(key, 0, 65535);
  return value ? std::optional<u32>(static_cast<u32>(*value)) : std::nullopt;
}

}  // namespace

Result<void> ParseKernel(Draft& draft, const Argument& argument) {
  return SetFile(draft.out.machine.kernel, argument);
}

Result<void> ParseInitrd(Draft& draft, const Argument& argument) {
  return SetFile(draft.out.machine.initrd, argument);
}

Result<void> ParseAppend(Draft& draft, const Argument& argument) {
  draft.out.machine.append = argument.value;
  return {};
}

Result<void> ParseBios(Draft& draft, const Argument& argument) {
  return SetFile(draft.out.machine.bios, argument);
}

Result<void> ParseBoot(Draft& draft, const Argument& argument) {
  auto keys = ReadKeys(argument, "order");
  if (!keys) {
    return keys.error();
  }
  BootConfig& boot = draft.out.machine.boot;
  boot.order = TakeOrder(*keys, "order");
  boot.once = TakeOrder(*keys, "once");
  boot.menu = keys->Bool("menu", false);
  boot.strict = keys->Bool("strict", false);
  boot.splash_time_ms = TakeMilliseconds(*keys, "splash-time");
  boot.reboot_timeout_ms = TakeMilliseconds(*keys, "reboot-timeout");
  return keys->Finish();
}

Result<void> ParseFwCfg(Draft& draft, const Argument& argument) {
  auto keys = ReadKeys(argument, "name");
  if (!keys) {
    return keys.error();
  }
  FwCfgFileConfig file;
  file.name = keys->Text("name", "");
  const std::optional<std::string> path = keys->Text("file");
  const std::optional<std::string> text = keys->Text("string");
  if (file.name.empty() || file.name.size() > kMaxFwCfgName) {
    keys->Reject(fmt::format("name= needs 1 to {} characters", kMaxFwCfgName));
  }
  if (path.has_value() == text.has_value()) {
    keys->Reject("exactly one of file= and string= is needed");
  }
  file.file = path.value_or("");
  file.text = text.value_or("");
  draft.out.machine.fw_cfg.push_back(std::move(file));
  return keys->Finish();
}

Result<void> CheckKernelOptions(const Draft& draft) {
  const MachineConfig& machine = draft.out.machine;
  if (!machine.kernel.empty()) {
    return {};
  }
  if (!machine.initrd.empty()) {
    return Fail("-initrd {}: belongs to a kernel: give -kernel too", machine.initrd);
  }
  if (!machine.append.empty()) {
    return Fail("-append '{}': is a kernel's command line: give -kernel too", machine.append);
  }
  return {};
}

}  // namespace tandem::frontend
