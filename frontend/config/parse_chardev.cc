#include <algorithm>

#include "base/log.h"
#include "frontend/config/draft.h"
#include "frontend/config/nearest.h"

// -chardev.
namespace tandem::frontend {
namespace {

struct TypeRow {
  std::string_view name;
  CharType type;
};
constexpr TypeRow kTypes[] = {
    {"null", CharType::kNull},
    {"stdio", CharType::kStdio},
    {"file", CharType::kFile},
    {"pipe", CharType::kPipe},
    {"pty", CharType::kPty},
    {"socket", CharType::kSocket},
    {"ringbuf", CharType::kRingBuffer},
    {"memory", CharType::kRingBuffer},
};

void TakeType(KeyValues& keys, ChardevConfig& config) {
  const std::string name = keys.Text("backend", "");
  std::vector<std::string_view> names;
  for (const TypeRow& row : kTypes) {
    if (row.name == name) {
      config.type = row.type;
      return;
    }
    names.push_back(row.name);
  }
  keys.TakeRest();  // which keys are right depends on the type
  keys.Reject(fmt::format("unknown stream type '{}'{}", name, DidYouMean(name, names)));
}

std::string TakeRequired(KeyValues& keys, std::string_view key) {
  const std::string text = keys.Text(key, "");
  if (text.empty()) {
    keys.Reject(fmt::format("{}= is missing", key));
  }
  return text;
}

void TakeRingSize(KeyValues& keys, ChardevConfig& config) {
  config.ring_size = keys.Size("size").value_or(config.ring_size);
  if (config.ring_size == 0 || (config.ring_size & (config.ring_size - 1)) != 0 ||
      config.ring_size > (u64{1} << 30)) {
    keys.Reject(fmt::format("size={} is not a power of two up to 1G", config.ring_size));
  }
}

void TakeTypeKeys(KeyValues& keys, ChardevConfig& config) {
  switch (config.type) {
    case CharType::kNull:
    case CharType::kPty:
      break;
    case CharType::kStdio:
      config.signal = keys.Bool("signal", true);
      break;
    case CharType::kFile:
      config.path = TakeRequired(keys, "path");
      config.input_path = keys.Text("input-path", "");
      config.append = keys.Bool("append", false);
      break;
    case CharType::kPipe:
      config.path = TakeRequired(keys, "path");
      break;
    case CharType::kSocket:
      TakeSocketKeys(keys, config);
      break;
    case CharType::kRingBuffer:
      TakeRingSize(keys, config);
      break;
  }
}

void CheckPlace(KeyValues& keys, const ChardevConfig& config) {
  if (config.path.empty() == config.port.empty()) {
    keys.Reject("exactly one of path= (unix) and port= (TCP) is needed");
  }
}

}  // namespace

// QEMU has both server=on|off and, of old, wait=off as nowait.
void TakeSocketKeys(KeyValues& keys, ChardevConfig& config) {
  config.path = keys.Text("path", config.path);
  config.host = keys.Text("host", config.host);
  config.port = keys.Text("port", config.port);
  config.server = keys.Bool("server", false);
  config.wait = keys.Bool("wait", !keys.Bool("nowait", false));
  keys.Bool("nodelay", false);
  keys.Bool("delay", true);
  if (const std::optional<u64> seconds = keys.Number("reconnect", 0, 3600); seconds) {
    config.reconnect_s = *seconds == 0 ? std::nullopt : std::optional(static_cast<u32>(*seconds));
  }
  for (const std::string_view key : {"telnet", "websocket"}) {
    keys.OnlyBool(key, false);
  }
  if (config.server && config.reconnect_s) {
    keys.Reject("reconnect= is for clients, server=on waits for them");
  }
  CheckPlace(keys, config);
}

Result<void> ParseChardev(Draft& draft, const Argument& argument) {
  auto keys = ReadKeys(argument, "backend");
  if (!keys) {
    return keys.error();
  }
  if (argument.value == "help" || argument.value == "?") {
    draft.out.request = Request::kChardevHelp;
    return {};
  }
  ChardevConfig config;
  config.id = TakeRequired(*keys, "id");
  TakeType(*keys, config);
  TakeTypeKeys(*keys, config);
  config.mux = keys->Bool("mux", false);
  config.log_path = keys->Text("logfile", "");
  config.log_append = keys->Bool("logappend", false);
  config.where = argument.where;
  draft.out.machine.chardevs.push_back(std::move(config));
  return keys->Finish();
}

Result<void> CheckChardevs(const Draft& draft) {
  const std::vector<ChardevConfig>& chardevs = draft.out.machine.chardevs;
  for (auto it = chardevs.begin(); it != chardevs.end(); ++it) {
    for (auto other = chardevs.begin(); other != it; ++other) {
      if (it->id == other->id) {
        return Fail("{}: the id '{}' is used twice", it->where, it->id);
      }
      if (it->type == CharType::kStdio && other->type == CharType::kStdio) {
        return Fail("{}: standard input and output are taken already by {}", it->where,
                    other->where);
      }
    }
  }
  return {};
}

}  // namespace tandem::frontend
