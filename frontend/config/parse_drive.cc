#include "base/log.h"
#include "frontend/config/draft.h"

// -drive, -hda and its like.
namespace tandem::frontend {
namespace {

std::optional<u32> TakeSmall(KeyValues& keys, std::string_view key, u32 maximum) {
  const std::optional<u64> value = keys.Number(key, 0, maximum);
  return value ? std::optional<u32>(static_cast<u32>(*value)) : std::nullopt;
}

DriveInterface TakeInterface(KeyValues& keys) {
  const std::string name = keys.Text("if", "ide");
  if (name == "pflash") {
    return DriveInterface::kPflash;
  }
  if (name == "none") {
    return DriveInterface::kNone;
  }
  for (const std::string_view later : {"virtio", "scsi", "floppy", "sd", "mtd"}) {
    if (name == later) {
      keys.Reject(fmt::format("if={} is not there yet: use ide, pflash or none", name));
    }
  }
  if (name != "ide") {
    keys.Reject(fmt::format("if={} is not one of ide, pflash, none", name));
  }
  return DriveInterface::kIde;
}

void TakePlace(KeyValues& keys, DriveConfig& drive) {
  const bool is_pflash = drive.interface == DriveInterface::kPflash;
  drive.index = TakeSmall(keys, "index", (is_pflash ? kPflashBanks : kIdePlaces) - 1);
  drive.bus = TakeSmall(keys, "bus", is_pflash ? 0 : kIdePlaces / kUnitsPerBus - 1);
  drive.unit = TakeSmall(keys, "unit", kUnitsPerBus - 1);
  if (drive.index && (drive.bus || drive.unit)) {
    keys.Reject("index= and bus=, unit= say the same: give one of them");
  }
}

// How the host does its part makes no difference to the guest.
void TakeHostTuning(KeyValues& keys) {
  keys.Choice("cache", {"none", "writeback", "writethrough", "directsync", "unsafe"}, "writeback");
  keys.Choice("aio", {"threads", "native", "io_uring"}, "threads");
  keys.Choice("werror", {"report", "ignore", "stop", "enospc"}, "enospc");
  keys.Choice("rerror", {"report", "ignore", "stop"}, "report");
  keys.Choice("discard", {"ignore", "off", "unmap", "on"}, "ignore");
  keys.Choice("detect-zeroes", {"on", "off", "unmap"}, "off");
}

void CheckFile(KeyValues& keys, const DriveConfig& config) {
  if (config.file.empty() && config.media != DriveMedia::kCdrom) {
    keys.Reject("file= is missing (only a CD-ROM drive can be empty)");
  }
  if (config.media == DriveMedia::kCdrom && config.interface == DriveInterface::kPflash) {
    keys.Reject("a flash bank is no CD-ROM drive");
  }
}

Result<void> AddDrive(Draft& draft, KeyValues& keys) {
  DriveConfig config;
  config.interface = TakeInterface(keys);
  config.media = keys.Choice("media", {"disk", "cdrom"}, "disk") == "cdrom" ? DriveMedia::kCdrom
                                                                            : DriveMedia::kDisk;
  config.file = keys.Text("file", "");
  config.format = keys.Text("format", "");
  config.id = keys.Text("id", "");
  config.snapshot = keys.Bool("snapshot", false);
  const bool read_only = keys.Bool("readonly", config.media == DriveMedia::kCdrom);
  config.read_only = keys.Bool("read-only", read_only);
  config.where = keys.where();
  TakePlace(keys, config);
  TakeHostTuning(keys);
  CheckFile(keys, config);
  draft.out.machine.drives.push_back(std::move(config));
  return keys.Finish();
}

// -hda and its like: the whole value is the file's name, commas included.
Result<void> AddShort(Draft& draft, const Argument& argument, u32 index, std::string_view media) {
  KeyValues keys({{"file", argument.value},
                  {"index", fmt::format("{}", index)},
                  {"media", std::string(media)}},
                 argument.where);
  if (argument.value.empty()) {
    keys.Reject("the file name is empty");
  }
  return AddDrive(draft, keys);
}

}  // namespace

Result<void> ParseDrive(Draft& draft, const Argument& argument) {
  auto keys = ReadKeys(argument, "");
  return keys ? AddDrive(draft, *keys) : keys.error();
}

Result<void> ParseHda(Draft& draft, const Argument& argument) {
  return AddShort(draft, argument, 0, "disk");
}

Result<void> ParseHdb(Draft& draft, const Argument& argument) {
  return AddShort(draft, argument, 1, "disk");
}

Result<void> ParseHdc(Draft& draft, const Argument& argument) {
  return AddShort(draft, argument, 2, "disk");
}

Result<void> ParseHdd(Draft& draft, const Argument& argument) {
  return AddShort(draft, argument, 3, "disk");
}

Result<void> ParseCdrom(Draft& draft, const Argument& argument) {
  return AddShort(draft, argument, kCdromPlace, "cdrom");
}

Result<void> ParseSnapshot(Draft& draft, const Argument&) {
  draft.snapshot = true;
  return {};
}

}  // namespace tandem::frontend
