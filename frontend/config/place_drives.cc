#include <algorithm>
#include <set>

#include "base/log.h"
#include "frontend/config/draft.h"

// Where the drives of -drive and its like go, and what they are called.
namespace tandem::frontend {
namespace {

std::string DefaultId(const DriveConfig& config) {
  switch (config.interface) {
    case DriveInterface::kPflash:
      return fmt::format("pflash{}", config.unit.value_or(0));
    case DriveInterface::kNone:
      return "none";
    case DriveInterface::kIde:
      break;
  }
  return fmt::format("ide{}-{}{}", config.bus.value_or(0),
                     config.media == DriveMedia::kCdrom ? "cd" : "hd", config.unit.value_or(0));
}

// Places of one kind of drive, counted 0, 1, 2, ...
class Places {
 public:
  explicit Places(u32 count) : count_(count) {}

  Result<u32> Take(const DriveConfig& drive) {
    const u32 place = PlaceOf(drive);
    if (place >= count_) {
      return Fail("{}: there are only {} such drives", drive.where, count_);
    }
    if (!taken_.insert(place).second) {
      return Fail("{}: another drive is at index {} (bus {}, unit {}) already", drive.where, place,
                  place / kUnitsPerBus, place % kUnitsPerBus);
    }
    return place;
  }
  bool IsTaken(u32 place) const { return taken_.contains(place); }

 private:
  u32 PlaceOf(const DriveConfig& drive) const {
    if (drive.index || (drive.bus && drive.unit)) {
      return drive.index.value_or(drive.bus.value_or(0) * kUnitsPerBus + drive.unit.value_or(0));
    }
    for (u32 place = 0; place < count_; ++place) {
      const bool fits = (!drive.bus || *drive.bus == place / kUnitsPerBus) &&
                        (!drive.unit || *drive.unit == place % kUnitsPerBus);
      if (fits && !IsTaken(place)) {
        return place;
      }
    }
    return count_;
  }

  const u32 count_;
  std::set<u32> taken_;
};

bool HasFixedPlace(const DriveConfig& drive) { return drive.index || drive.bus || drive.unit; }

bool AsksForIdeDevice(const Draft& draft) {
  return std::any_of(draft.out.machine.devices.begin(), draft.out.machine.devices.end(),
                     [](const DeviceConfig& device) { return device.driver.starts_with("ide-"); });
}

void AddDefaultCdrom(Draft& draft, const Places& ide) {
  const bool has_cdrom =
      std::any_of(draft.out.machine.drives.begin(), draft.out.machine.drives.end(),
                  [](const DriveConfig& drive) { return drive.media == DriveMedia::kCdrom; });
  if (!draft.has_defaults || has_cdrom || ide.IsTaken(kCdromPlace) || AsksForIdeDevice(draft)) {
    return;
  }
  DriveConfig drive;
  drive.media = DriveMedia::kCdrom;
  drive.read_only = true;
  drive.where = "the default CD-ROM drive";
  drive.bus = kCdromPlace / kUnitsPerBus;
  drive.unit = kCdromPlace % kUnitsPerBus;
  draft.out.machine.drives.push_back(std::move(drive));
}

// Drives with a place of their own first, then the others in order.
Result<void> AssignPlaces(Draft& draft, Places& ide, Places& pflash) {
  for (const bool fixed : {true, false}) {
    for (DriveConfig& drive : draft.out.machine.drives) {
      if (drive.interface == DriveInterface::kNone || HasFixedPlace(drive) != fixed) {
        continue;
      }
      const bool is_ide = drive.interface == DriveInterface::kIde;
      const Result<u32> place = (is_ide ? ide : pflash).Take(drive);
      if (!place) {
        return place.error();
      }
      drive.bus = is_ide ? *place / kUnitsPerBus : 0;
      drive.unit = is_ide ? *place % kUnitsPerBus : *place;
    }
  }
  return {};
}

Result<void> NameDrives(Draft& draft) {
  std::set<std::string> ids;
  u32 unnamed = 0;
  for (DriveConfig& drive : draft.out.machine.drives) {
    if (drive.id.empty()) {
      drive.id = DefaultId(drive);
      if (drive.interface == DriveInterface::kNone) {
        drive.id += fmt::format("{}", unnamed++);
      }
    }
    if (!ids.insert(drive.id).second) {
      return Fail("{}: the id '{}' is used twice", drive.where, drive.id);
    }
  }
  return {};
}

}  // namespace

Result<void> PlaceDrives(Draft& draft) {
  Places ide(kIdePlaces);
  Places pflash(kPflashBanks);
  if (Result<void> done = AssignPlaces(draft, ide, pflash); !done) {
    return done;
  }
  AddDefaultCdrom(draft, ide);
  if (Result<void> done = NameDrives(draft); !done) {
    return done;
  }
  for (DriveConfig& drive : draft.out.machine.drives) {
    drive.snapshot |= draft.snapshot;
  }
  return {};
}

}  // namespace tandem::frontend
