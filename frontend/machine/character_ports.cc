#include <array>

#include "base/log.h"
#include "devices/legacy/uart.h"
#include "frontend/machine/board.h"

// Serial and parallel ports and their host streams.
namespace tandem::frontend {
namespace {

struct IsaPort {
  u64 port;
  u32 irq;
};
constexpr std::array<IsaPort, 4> kSerialPorts{{{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}}};

Result<void> AddSerial(Board& board, size_t index) {
  const std::string& id = board.config.serial[index];
  if (id == "none") {
    return {};
  }
  const auto backend = board.chardevs->Connect(id, fmt::format("serial port {}", index + 1));
  if (!backend) {
    return backend.error();
  }
  const IsaPort& at = kSerialPorts[index];
  return board.AddPorts(at.port, devices::Uart::kLength,
                        std::make_shared<devices::Uart>(board.IsaIrq(at.irq), **backend));
}

}  // namespace

Result<void> AddCharacterPorts(Board& board) {
  for (const ChardevConfig& chardev : board.config.chardevs) {
    if (Result<void> done = board.chardevs->Open(chardev); !done) {
      return done;
    }
  }
  if (board.config.serial.size() > kSerialPorts.size()) {
    return Fail("-serial is given {} times: a PC has at most {} serial ports",
                board.config.serial.size(), kSerialPorts.size());
  }
  for (size_t i = 0; i < board.config.serial.size(); ++i) {
    if (Result<void> done = AddSerial(board, i); !done) {
      return done;
    }
  }
  return {};
}

}  // namespace tandem::frontend
