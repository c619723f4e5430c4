#include "base/log.h"
#include "frontend/config/draft.h"
#include "frontend/config/nearest.h"

// -serial and its like, whose value is a host stream in QEMU's short form.
namespace tandem::frontend {
namespace {

constexpr size_t kMaxSerial = 4;
constexpr size_t kMaxParallel = 3;

// Known to QEMU, not to us.
constexpr std::string_view kLater[] = {"telnet:", "udp:",    "ws:",    "websocket:", "/dev/",
                                       "msmouse", "braille", "tn3270", "wctablet"};

// "host:port", "[v6]:port" or ":port", options behind a comma.
Result<void> ReadTcp(std::string_view text, ChardevConfig& config) {
  const size_t comma = text.find(',');
  const std::string_view address = text.substr(0, comma);
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == address.size()) {
    return Fail("{}: a TCP stream is tcp:HOST:PORT", config.where);
  }
  std::string_view host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  auto keys = KeyValues::Parse(comma == std::string_view::npos ? "" : text.substr(comma + 1), "",
                               config.where);
  if (!keys) {
    return keys.error();
  }
  config.host = host;
  config.port = address.substr(colon + 1);
  TakeSocketKeys(*keys, config);
  return keys->Finish();
}

Result<void> ReadUnix(std::string_view text, ChardevConfig& config) {
  auto keys = KeyValues::Parse(text, "path", config.where);
  if (!keys) {
    return keys.error();
  }
  TakeSocketKeys(*keys, config);
  return keys->Finish();
}

// If text begins with prefix: cuts that off and sets the type.
bool Is(std::string_view& text, std::string_view prefix, CharType type, ChardevConfig& config) {
  if (!text.starts_with(prefix) || (!prefix.ends_with(':') && text != prefix)) {
    return false;
  }
  text.remove_prefix(prefix.size());
  config.type = type;
  return true;
}

Error UnknownStream(std::string_view text, const std::string& where) {
  for (const std::string_view later : kLater) {
    if (text.starts_with(later)) {
      return Fail("{}: streams of this kind are not there yet: use a pty, file or socket", where);
    }
  }
  const std::string_view kind = text.substr(0, text.find(':'));
  return Fail("{}: unknown stream '{}'{}", where, text,
              DidYouMean(kind, {"stdio", "null", "none", "file", "pipe", "pty", "tcp", "unix", "vc",
                                "mon", "chardev"}));
}

Result<void> ReadStream(std::string_view text, ChardevConfig& config) {
  if (Is(text, "null", CharType::kNull, config) || Is(text, "pty", CharType::kPty, config) ||
      Is(text, "stdio", CharType::kStdio, config) || Is(text, "vc", CharType::kNull, config) ||
      Is(text, "vc:", CharType::kNull, config)) {
    return {};
  }
  if (Is(text, "file:", CharType::kFile, config) || Is(text, "pipe:", CharType::kPipe, config)) {
    config.path = text;
    return text.empty() ? Result<void>(Fail("{}: the file name is empty", config.where))
                        : Result<void>();
  }
  if (Is(text, "tcp:", CharType::kSocket, config)) {
    return ReadTcp(text, config);
  }
  if (Is(text, "unix:", CharType::kSocket, config)) {
    return ReadUnix(text, config);
  }
  return UnknownStream(text, config.where);
}

// The id of the chardev that text names or describes; "none" for none.
Result<std::string> AddStream(Draft& draft, std::string_view text, const std::string& id,
                              const std::string& where) {
  if (text == "none") {
    return std::string("none");
  }
  if (text.starts_with("chardev:")) {
    return std::string(text.substr(8));
  }
  ChardevConfig config;
  config.id = id;
  config.where = where;
  if (text.starts_with("mon:")) {
    text.remove_prefix(4);
    config.mux = true;
    config.signal = false;  // Ctrl-C is the guest's: Ctrl-A X ends the emulator
  }
  if (Result<void> done = ReadStream(text, config); !done) {
    return done.error();
  }
  draft.out.machine.chardevs.push_back(std::move(config));
  return id;
}

Result<void> AddPort(Draft& draft, std::vector<std::string>& ports, size_t maximum,
                     std::string_view name, std::string_view text, const std::string& where) {
  if (ports.size() == maximum) {
    return Fail("{}: a PC has only {} {} ports", where, maximum, name);
  }
  const Result<std::string> id =
      AddStream(draft, text, fmt::format("{}{}", name, ports.size()), where);
  if (!id) {
    return id.error();
  }
  ports.push_back(*id);
  return {};
}

}  // namespace

Result<void> ParseSerial(Draft& draft, const Argument& argument) {
  return AddPort(draft, draft.out.machine.serial, kMaxSerial, "serial", argument.value,
                 argument.where);
}

Result<void> ParseParallel(Draft& draft, const Argument& argument) {
  return AddPort(draft, draft.out.machine.parallel, kMaxParallel, "parallel", argument.value,
                 argument.where);
}

Result<void> ParseDebugcon(Draft& draft, const Argument& argument) {
  if (!draft.out.machine.debugcon.empty()) {
    return Fail("{}: there is one debug console only", argument.where);
  }
  const Result<std::string> id = AddStream(draft, argument.value, "debugcon", argument.where);
  if (!id) {
    return id.error();
  }
  draft.out.machine.debugcon = *id == "none" ? "" : *id;
  return {};
}

Result<void> AddDefaultPorts(Draft& draft) {
  MachineConfig& machine = draft.out.machine;
  if (!draft.has_defaults) {
    return {};
  }
  if (machine.serial.empty()) {
    const std::string_view stream = draft.is_nographic ? "mon:stdio" : "null";
    if (Result<void> done = AddPort(draft, machine.serial, kMaxSerial, "serial", stream,
                                    draft.is_nographic ? "-nographic" : "the default serial port");
        !done) {
      return done;
    }
  }
  if (machine.parallel.empty()) {
    return AddPort(draft, machine.parallel, kMaxParallel, "parallel", "null",
                   "the default parallel port");
  }
  return {};
}

}  // namespace tandem::frontend
