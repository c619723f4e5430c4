#include "base/log.h"
#include "frontend/config/draft.h"
#include "frontend/config/nearest.h"

// What concerns the process: ends, logs, texts.
namespace tandem::frontend {
namespace {

struct LogItemRow {
  LogItem item;
  std::string_view name;
};

constexpr LogItemRow kLogItems[] = {
#define LOG_ITEM(item, name, help) {LogItem::item, name},
#include "frontend/config/log_items.inc"
#undef LOG_ITEM
};

Result<u32> LogMask(const std::string& name, const std::string& where) {
  std::vector<std::string_view> names;
  for (const LogItemRow& row : kLogItems) {
    if (row.name == name) {
      return static_cast<u32>(row.item);
    }
    names.push_back(row.name);
  }
  return Fail("{}: unknown log item '{}'{}", where, name, DidYouMean(name, names));
}

Result<void> SetFile(std::string& field, const Argument& argument) {
  if (argument.value.empty()) {
    return Fail("{}: the file name is empty", argument.where);
  }
  field = argument.value;
  return {};
}

}  // namespace

Result<void> ParseStopped(Draft& draft, const Argument&) {
  draft.out.starts_paused = true;
  return {};
}

Result<void> ParseNoReboot(Draft& draft, const Argument&) {
  draft.out.machine.reboots = false;
  return {};
}

Result<void> ParseNoShutdown(Draft& draft, const Argument&) {
  draft.out.machine.stays_after_shutdown = true;
  return {};
}

Result<void> ParseAction(Draft& draft, const Argument& argument) {
  auto keys = ReadKeys(argument, "");
  if (!keys) {
    return keys.error();
  }
  MachineConfig& machine = draft.out.machine;
  const std::string reboot =
      keys->Choice("reboot", {"reset", "shutdown"}, machine.reboots ? "reset" : "shutdown");
  const std::string shutdown = keys->Choice("shutdown", {"poweroff", "pause"},
                                            machine.stays_after_shutdown ? "pause" : "poweroff");
  keys->Choice("panic", {"pause", "shutdown", "exit-failure", "none"}, "shutdown");
  keys->Choice("watchdog",
               {"reset", "shutdown", "poweroff", "inject-nmi", "pause", "debug", "none"}, "reset");
  machine.reboots = reboot == "reset";
  machine.stays_after_shutdown = shutdown == "pause";
  return keys->Finish();
}

Result<void> ParsePidfile(Draft& draft, const Argument& argument) {
  return SetFile(draft.out.pidfile, argument);
}

Result<void> ParseLogFile(Draft& draft, const Argument& argument) {
  return SetFile(draft.out.log_file, argument);
}

Result<void> ParseLogItems(Draft& draft, const Argument& argument) {
  if (argument.value == "help" || argument.value == "?") {
    draft.out.request = Request::kLogHelp;
    return {};
  }
  for (const std::string& name : Split(argument.value, ',')) {
    const Result<u32> mask = LogMask(name, argument.where);
    if (!mask) {
      return mask.error();
    }
    draft.out.log_items |= *mask;
  }
  return {};
}

Result<void> ParseNoUserConfig(Draft&, const Argument&) { return {}; }

Result<void> ParseVersion(Draft& draft, const Argument&) {
  draft.out.request = Request::kVersion;
  return {};
}

Result<void> ParseHelp(Draft& draft, const Argument&) {
  draft.out.request = Request::kHelp;
  return {};
}

Result<void> ParseHelpShort(Draft& draft, const Argument& argument) {
  return ParseHelp(draft, argument);
}

}  // namespace tandem::frontend
