#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/event_loop.h"
#include "base/result.h"
#include "devices/chardev/char_backend.h"
#include "devices/chardev/mux.h"
#include "frontend/config/machine_config.h"

namespace tandem::frontend {

// The opened character back ends of a machine, by id.
class Chardevs {
 public:
  // mux_commands: what Ctrl-A X and Ctrl-A S do.
  Chardevs(EventLoop& loop, devices::MuxCommands mux_commands)
      : loop_(loop), mux_commands_(std::move(mux_commands)) {}

  Result<void> Open(const ChardevConfig& config);
  // The device end for one more device. An unknown id, or one without mux that is taken already,
  // is an error.
  Result<devices::CharBackend*> Connect(const std::string& id, const std::string& user);

 private:
  struct Entry {
    std::unique_ptr<devices::CharBackend> backend;
    std::unique_ptr<devices::Mux> mux;
    std::string user;
  };

  EventLoop& loop_;
  const devices::MuxCommands mux_commands_;
  std::map<std::string, Entry> entries_;
};

}  // namespace tandem::frontend
