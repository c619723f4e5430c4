#pragma once

#include <string>
#include <vector>

#include "frontend/config/command_line.h"

// clang-format off: doctest defines CHECK anew, so it comes last
#include <doctest/doctest.h>
// clang-format on

namespace tandem::frontend {

// Splits at spaces and reads the words as a command line.
inline Result<Invocation> Command(const std::string& text) {
  std::vector<std::string> words;
  for (size_t start = 0; !text.empty() && start <= text.size();) {
    const size_t end = std::min(text.find(' ', start), text.size());
    words.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return ParseCommandLine(words);
}

// The machine of a command line that must be right.
inline MachineConfig MachineOf(const std::string& text) {
  const Result<Invocation> command = Command(text);
  CAPTURE(text);
  CAPTURE((command ? "" : command.error().message));
  CHECK(command.ok());
  return command ? command->machine : MachineConfig();
}

}  // namespace tandem::frontend
