#include "frontend/machine/user_devices.h"

#include "devices/legacy/debug_ports.h"
#include "devices/legacy/test_device.h"
#include "frontend/machine/board.h"

// -device of the debug devices, and -debugcon.
namespace tandem::frontend {
namespace {

constexpr u64 kLastPort = 0xffff;
constexpr u64 kDebugExitPort = 0x501;

Result<void> AddDebugConsole(Board& board, const std::string& chardev, u64 port, u8 readback,
                             const std::string& where) {
  const auto backend = board.chardevs->Connect(chardev, where);
  if (!backend) {
    return backend.error();
  }
  return board.AddPorts(port, devices::DebugConsole::kLength,
                        std::make_shared<devices::DebugConsole>(**backend, readback));
}

Result<void> AddDebugExit(Board& board, KeyValues& keys) {
  (void)keys.Text("id");
  const u64 base = keys.Number("iobase", 0, kLastPort).value_or(kDebugExitPort);
  const u64 size = keys.Number("iosize", 1, 8).value_or(2);
  if (Result<void> done = keys.Finish(); !done) {
    return done;
  }
  return board.AddPorts(base, size, std::make_shared<devices::DebugExit>(board.requests.exit));
}

Result<void> AddIsaDebugConsole(Board& board, KeyValues& keys) {
  (void)keys.Text("id");
  const u64 base = keys.Number("iobase", 0, kLastPort).value_or(devices::DebugConsole::kPort);
  const u64 readback = keys.Number("readback", 0, 0xff).value_or(0xe9);
  const std::string chardev = keys.Text("chardev", "");
  if (Result<void> done = keys.Finish(); !done) {
    return done;
  }
  return AddDebugConsole(board, chardev, base, static_cast<u8>(readback), keys.where());
}

Result<void> AddTestDevice(Board& board, KeyValues& keys) {
  (void)keys.Text("id");
  if (Result<void> done = keys.Finish(); !done) {
    return done;
  }
  std::vector<devices::IrqLine> lines;
  for (u32 irq = 0; irq < devices::TestIrqLines::kLength; ++irq) {
    lines.push_back(board.IsaIrq(irq));
  }
  const auto latch = std::make_shared<devices::TestLatch>();
  for (const Result<void>& done :
       {board.AddPorts(devices::TestLatch::kPort, devices::TestLatch::kLength, latch),
        board.AddPorts(devices::TestLatch::kBytePort, devices::TestLatch::kLength, latch),
        board.AddPorts(devices::TestFlushPage::kPort, devices::TestFlushPage::kLength,
                       std::make_shared<devices::TestFlushPage>()),
        board.AddPorts(devices::TestIrqLines::kPort, devices::TestIrqLines::kLength,
                       std::make_shared<devices::TestIrqLines>(std::move(lines))),
        board.AddMmio(devices::TestMemory::kBase, devices::TestMemory::kLength,
                      std::make_shared<devices::TestMemory>())}) {
    if (!done) {
      return done;
    }
  }
  return {};
}

}  // namespace

Result<void> ForEachDevice(const Board& board, std::string_view driver,
                           const std::function<Result<void>(KeyValues&)>& add) {
  for (const DeviceConfig& device : board.config.devices) {
    if (device.driver != driver) {
      continue;
    }
    KeyValues keys(device.properties, device.where);
    if (Result<void> done = add(keys); !done) {
      return done;
    }
  }
  return {};
}

Result<void> AddUserDevices(Board& board) {
  if (!board.config.debugcon.empty()) {
    if (Result<void> done = AddDebugConsole(board, board.config.debugcon,
                                            devices::DebugConsole::kPort, 0xe9, "-debugcon");
        !done) {
      return done;
    }
  }
  if (Result<void> done = ForEachDevice(board, "isa-debug-exit",
                                        [&](KeyValues& keys) { return AddDebugExit(board, keys); });
      !done) {
    return done;
  }
  if (Result<void> done = ForEachDevice(
          board, "isa-debugcon", [&](KeyValues& keys) { return AddIsaDebugConsole(board, keys); });
      !done) {
    return done;
  }
  return ForEachDevice(board, "pc-testdev",
                       [&](KeyValues& keys) { return AddTestDevice(board, keys); });
}

}  // namespace tandem::frontend
