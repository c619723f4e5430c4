#include "base/log.h"
#include "frontend/config/draft.h"
#include "frontend/config/nearest.h"

// -device, -global and the options that only choose whether something is there.
namespace tandem::frontend {
namespace {

constexpr std::string_view kDrivers[] = {
#define DRIVER(name, bus, help) name,
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

// Properties of a device that only other accelerators have, which may be given all the same.
Result<bool> IsForeign(const GlobalProperty& global, const std::string& where) {
  if (global.driver != "kvm-pit" || global.property != "lost_tick_policy") {
    return false;
  }
  KeyValues keys({{global.property, global.value}}, where);
  keys.Choice("lost_tick_policy", {"discard", "delay"}, "delay");
  const Result<void> done = keys.Finish();
  return done ? Result<bool>(true) : done.error();
}

// Both spellings: "driver.property=value" and "driver=D,property=P,value=V".
Result<GlobalProperty> ReadGlobal(const Argument& argument) {
  const std::string& text = argument.value;
  const size_t dot = text.find('.');
  const size_t equals = text.find('=');
  if (dot < equals && equals != std::string::npos) {
    return GlobalProperty{text.substr(0, dot), text.substr(dot + 1, equals - dot - 1),
                          text.substr(equals + 1)};
  }
  auto keys = ReadKeys(argument, "");
  if (!keys) {
    return keys.error();
  }
  GlobalProperty global{keys->Text("driver", ""), keys->Text("property", ""),
                        keys->Text("value", "")};
  const Result<void> done = keys->Finish();
  return done ? Result<GlobalProperty>(std::move(global)) : done.error();
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

Result<void> ParseGlobal(Draft& draft, const Argument& argument) {
  auto global = ReadGlobal(argument);
  if (!global) {
    return global.error();
  }
  const Result<bool> is_foreign = IsForeign(*global, argument.where);
  if (!is_foreign) {
    return is_foreign.error();
  }
  if (*is_foreign) {
    return {};
  }
  const Result<void> known = CheckDriver(global->driver, argument.where);
  draft.globals.push_back(std::move(*global));
  return known;
}

void ApplyGlobals(Draft& draft) {
  for (DeviceConfig& device : draft.out.machine.devices) {
    for (const GlobalProperty& global : draft.globals) {
      if (global.driver == device.driver) {  // in front: of equal keys the last counts
        device.properties.insert(device.properties.begin(), {global.property, global.value});
      }
    }
  }
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
