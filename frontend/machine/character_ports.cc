#include <array>

#include "base/log.h"
#include "devices/legacy/parallel.h"
#include "devices/legacy/uart.h"
#include "frontend/machine/board.h"
#include "frontend/machine/user_devices.h"

// Serial and parallel ports and their host streams.
namespace tandem::frontend {
namespace {

struct IsaPort {
  u64 port;
  u32 irq;
};
constexpr std::array<IsaPort, 4> kSerialPorts{{{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}}};
constexpr u32 kParallelIrq = 7;
constexpr const char* kNoPort = "none";

// The chardev of -device isa-serial or isa-parallel.
Result<std::string> TakeChardev(KeyValues& keys) {
  (void)keys.Text("id");
  const std::string chardev = keys.Text("chardev", "");
  if (const Result<void> done = keys.Finish(); !done) {
    return done.error();
  }
  if (chardev.empty()) {
    return Fail("{}: a port needs chardev=ID", keys.where());
  }
  return chardev;
}

// The streams of all ports of a kind, -serial's first.
Result<std::vector<std::string>> Streams(const Board& board, std::vector<std::string> streams,
                                         std::string_view driver, size_t maximum) {
  const Result<void> done = ForEachDevice(board, driver, [&](KeyValues& keys) -> Result<void> {
    auto chardev = TakeChardev(keys);
    if (!chardev) {
      return chardev.error();
    }
    streams.push_back(std::move(*chardev));
    return {};
  });
  if (!done) {
    return done.error();
  }
  if (streams.size() > maximum) {
    return Fail("{} {} ports are asked for: a PC has at most {}", streams.size(), driver, maximum);
  }
  return streams;
}

template <typename Port>
Result<void> AddPort(Board& board, const IsaPort& at, const std::string& id,
                     const std::string& name) {
  if (id == kNoPort) {
    return {};
  }
  const auto backend = board.chardevs->Connect(id, name);
  if (!backend) {
    return backend.error();
  }
  return board.AddPorts(at.port, Port::kLength,
                        std::make_shared<Port>(board.IsaIrq(at.irq), **backend));
}

}  // namespace

Result<void> OpenChardevs(Board& board) {
  for (const ChardevConfig& chardev : board.config.chardevs) {
    if (Result<void> done = board.chardevs->Open(chardev); !done) {
      return done;
    }
  }
  return {};
}

Result<void> AddCharacterPorts(Board& board) {
  auto serial = Streams(board, board.config.serial, "isa-serial", kSerialPorts.size());
  auto parallel = Streams(board, board.config.parallel, "isa-parallel", 1);
  if (!serial || !parallel) {
    return serial ? parallel.error() : serial.error();
  }
  for (size_t i = 0; i < serial->size(); ++i) {
    board.serial_ports |= static_cast<u8>(((*serial)[i] != kNoPort) << i);
    if (Result<void> done = AddPort<devices::Uart>(board, kSerialPorts[i], (*serial)[i],
                                                   fmt::format("serial port {}", i + 1));
        !done) {
      return done;
    }
  }
  for (const std::string& id : *parallel) {
    board.has_parallel = id != kNoPort;
    if (Result<void> done = AddPort<devices::ParallelPort>(
            board, {devices::ParallelPort::kPort, kParallelIrq}, id, "the parallel port");
        !done) {
      return done;
    }
  }
  return {};
}

}  // namespace tandem::frontend
