#include "frontend/machine/chardevs.h"

#include "base/log.h"
#include "devices/chardev/open_char.h"

namespace tandem::frontend {
namespace {

devices::CharKind KindOf(CharType type) {
  switch (type) {
    case CharType::kStdio:
      return devices::CharKind::kStdio;
    case CharType::kFile:
      return devices::CharKind::kFile;
    case CharType::kPipe:
      return devices::CharKind::kPipe;
    case CharType::kPty:
      return devices::CharKind::kPty;
    case CharType::kSocket:
      return devices::CharKind::kSocket;
    case CharType::kRingBuffer:
      return devices::CharKind::kRing;
    default:
      return devices::CharKind::kNull;
  }
}

devices::CharSpec SpecOf(const ChardevConfig& config) {
  devices::CharSpec spec;
  spec.kind = KindOf(config.type);
  spec.id = config.id;
  spec.path = config.path;
  spec.socket = {config.path, config.host, config.port, config.server, config.wait};
  spec.input_path = config.input_path;
  spec.appends = config.append;
  spec.keeps_signals = config.signal;
  spec.ring_size = config.ring_size;
  spec.log_path = config.log_path;
  spec.log_appends = config.log_append;
  return spec;
}

}  // namespace

Result<void> Chardevs::Open(const ChardevConfig& config) {
  Result<std::unique_ptr<devices::CharBackend>> backend = devices::OpenChar(loop_, SpecOf(config));
  if (!backend) {
    return backend.error();
  }
  Entry entry;
  if (config.mux) {
    entry.mux = std::make_unique<devices::Mux>(loop_, std::move(*backend), mux_commands_);
  } else {
    entry.backend = std::move(*backend);
  }
  if (!entries_.emplace(config.id, std::move(entry)).second) {
    return Fail("-chardev id={}: the id is used twice", config.id);
  }
  return {};
}

Result<devices::CharBackend*> Chardevs::Connect(const std::string& id, const std::string& user) {
  const auto it = entries_.find(id);
  if (it == entries_.end()) {
    return Fail("{}: there is no -chardev with id={}", user, id);
  }
  Entry& entry = it->second;
  if (entry.mux) {
    return &entry.mux->AddPort();
  }
  if (!entry.user.empty()) {
    return Fail("{}: chardev '{}' is used by {} already: give the chardev mux=on to share it", user,
                id, entry.user);
  }
  entry.user = user;
  return entry.backend.get();
}

}  // namespace tandem::frontend
