#include <algorithm>

#include "base/log.h"
#include "devices/legacy/debug_ports.h"
#include "frontend/config/key_values.h"
#include "frontend/machine/board.h"

// -device, and -debugcon.
namespace tandem::frontend {
namespace {

struct Properties {
  explicit Properties(const DeviceConfig& device) : device(device) {}

  // A number, or fallback where the property is not given.
  Result<u64> Number(const std::string& key, u64 fallback, u64 max) const {
    for (const auto& [name, text] : device.properties) {
      if (name != key) {
        continue;
      }
      const std::optional<u64> value = ParseNumber(text);
      if (!value || *value > max) {
        return Fail("{}: {}={} is not a number up to {:#x}", device.where, key, text, max);
      }
      return *value;
    }
    return fallback;
  }
  std::string Text(const std::string& key) const {
    for (const auto& [name, text] : device.properties) {
      if (name == key) {
        return text;
      }
    }
    return {};
  }
  Result<void> ExpectOnly(const std::vector<std::string_view>& known) const {
    for (const auto& [name, text] : device.properties) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        return Fail("{}: '{}' has no property '{}'{}", device.where, device.driver, name,
                    DidYouMean(name, known));
      }
    }
    return {};
  }

  const DeviceConfig& device;
};

constexpr u64 kLastPort = 0xffff;

Result<void> AddDebugExit(Board& board, const DeviceConfig& device) {
  const Properties properties(device);
  const auto base = properties.Number("iobase", 0x501, kLastPort);
  const auto size = properties.Number("iosize", 2, 8);
  if (const Result<void> known = properties.ExpectOnly({"id", "iobase", "iosize"}); !known) {
    return known;
  }
  if (!base || !size) {
    return base ? size.error() : base.error();
  }
  return board.AddPorts(*base, *size, std::make_shared<devices::DebugExit>(board.requests.exit));
}

Result<void> AddDebugConsole(Board& board, const std::string& chardev, u64 port, u64 readback,
                             const std::string& where) {
  const auto backend = board.chardevs->Connect(chardev, where);
  if (!backend) {
    return backend.error();
  }
  return board.AddPorts(
      port, devices::DebugConsole::kLength,
      std::make_shared<devices::DebugConsole>(**backend, static_cast<u8>(readback)));
}

Result<void> AddIsaDebugConsole(Board& board, const DeviceConfig& device) {
  const Properties properties(device);
  const auto base = properties.Number("iobase", devices::DebugConsole::kPort, kLastPort);
  const auto readback = properties.Number("readback", 0xe9, 0xff);
  if (const Result<void> known = properties.ExpectOnly({"id", "iobase", "readback", "chardev"});
      !known) {
    return known;
  }
  if (!base || !readback) {
    return base ? readback.error() : base.error();
  }
  return AddDebugConsole(board, properties.Text("chardev"), *base, *readback, device.where);
}

struct Driver {
  std::string_view name;
  Result<void> (*add)(Board&, const DeviceConfig&);
};
constexpr Driver kDrivers[] = {
    {"isa-debug-exit", &AddDebugExit},
    {"isa-debugcon", &AddIsaDebugConsole},
};

Result<void> AddDevice(Board& board, const DeviceConfig& device) {
  std::vector<std::string_view> names;
  for (const Driver& driver : kDrivers) {
    if (driver.name == device.driver) {
      return driver.add(board, device);
    }
    names.push_back(driver.name);
  }
  return Fail("{}: there is no device '{}'{}", device.where, device.driver,
              DidYouMean(device.driver, names));
}

}  // namespace

Result<void> AddUserDevices(Board& board) {
  if (!board.config.debugcon.empty()) {
    if (Result<void> done = AddDebugConsole(board, board.config.debugcon,
                                            devices::DebugConsole::kPort, 0xe9, "-debugcon");
        !done) {
      return done;
    }
  }
  for (const DeviceConfig& device : board.config.devices) {
    if (Result<void> done = AddDevice(board, device); !done) {
      return done;
    }
  }
  return {};
}

}  // namespace tandem::frontend
