#include "base/log.h"
#include "frontend/config/draft.h"
#include "frontend/config/nearest.h"

// -device and the options that only choose whether something is there.
namespace tandem::frontend {
namespace {

constexpr std::string_view kDrivers[] = {
#define DRIVER(name, help) name,
#include "frontend/config/device_drivers.inc"
#undef DRIVER
};

Result<void> CheckDriver(const std::string& driver, const std::string& where) {
  for (const std::string_view known : kDrivers) {
    if (known == driver) {
      return {};
    }
  }
  return Fail("{}: unknown device '{}'{}", where, driver,
              DidYouMean(driver, {std::begin(kDrivers), std::end(kDrivers)}));
}

// An option of which only some values are there as yet.
Result<void> ExpectOneOf(const Argument& argument, const std::vector<std::string_view>& values,
                         std::string_view what) {
  for (const std::string_view value : values) {
    if (value == argument.value) {
      return {};
    }
  }
  return Fail("{}: {}: use {}", argument.where, what, Join(values));
}

}  // namespace

Result<void> ParseDevice(Draft& draft, const Argument& argument) {
  auto keys = ReadKeys(argument, "driver");
  if (!keys) {
    return keys.error();
  }
  DeviceConfig device;
  device.driver = keys->Text("driver", "");
  if (device.driver == "help" || device.driver == "?") {
    draft.out.request = Request::kDeviceHelp;
    return {};
  }
  device.properties = keys->TakeRest();
  device.where = argument.where;
  if (Result<void> done = CheckDriver(device.driver, argument.where); !done) {
    return done;
  }
  draft.out.machine.devices.push_back(std::move(device));
  return keys->Finish();
}

Result<void> ParseMonitor(Draft&, const Argument& argument) {
  return ExpectOneOf(argument, {"none", "null"}, "the monitor is not there yet");
}

Result<void> ParseDisplay(Draft& draft, const Argument& argument) {
  draft.has_display_option = true;
  return ExpectOneOf(argument, {"none"}, "no such display is there yet");
}

Result<void> ParseVga(Draft& draft, const Argument& argument) {
  draft.has_vga_option = true;
  draft.out.machine.has_vga = argument.value != "none";
  return ExpectOneOf(argument, {"std", "none"}, "no such display adapter is there yet");
}

Result<void> ParseNet(Draft&, const Argument& argument) {
  return ExpectOneOf(argument, {"none"}, "network cards are not there yet");
}

Result<void> ParseNic(Draft& draft, const Argument& argument) { return ParseNet(draft, argument); }

Result<void> ParseNographic(Draft& draft, const Argument&) {
  draft.is_nographic = true;
  return {};
}

Result<void> ParseNodefaults(Draft& draft, const Argument&) {
  draft.has_defaults = false;
  return {};
}

}  // namespace tandem::frontend
