#pragma once

#include <memory>
#include <string>

#include "base/event_loop.h"
#include "base/result.h"
#include "devices/chardev/char_backend.h"
#include "devices/chardev/socket_char.h"

namespace tandem::devices {

enum class CharKind : u8 { kNull, kStdio, kFile, kPipe, kPty, kSocket, kRing };

// What -chardev and -serial say, whatever the spelling.
struct CharSpec {
  CharKind kind = CharKind::kNull;
  std::string id = {};
  std::string path = {};        // file, pipe
  std::string input_path = {};  // file: read input from here
  bool appends = false;         // file
  bool keeps_signals = false;   // stdio: Ctrl-C ends the emulator instead of reaching the guest
  SocketSpec socket = {};
  size_t ring_size = 65536;
  std::string log_path = {};  // logfile=: a copy of the output
  bool log_appends = true;
};

// Makes the back end. The loop outlives it. A pty's name is printed to stderr.
Result<std::unique_ptr<CharBackend>> OpenChar(EventLoop& loop, const CharSpec& spec);

}  // namespace tandem::devices
