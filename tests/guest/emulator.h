#pragma once

#include <sys/types.h>
#include <termios.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace tandem::tests {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;

// Whether the emulator's standard streams are pipes or one terminal.
enum class Console { kPipes, kTerminal };

// The emulator as a process of its own; killed, if it still runs, when this is destroyed.
class Emulator {
 public:
  explicit Emulator(std::vector<std::string> arguments, Console console = Console::kPipes);
  ~Emulator();
  Emulator(const Emulator&) = delete;
  Emulator& operator=(const Emulator&) = delete;

  // Waits until a line printed after the last match has the pattern; false: time is up or the
  // process has ended.
  bool WaitFor(const std::string& pattern, std::chrono::seconds patience);
  // The exit status, 128 and the signal's number if one killed it; nothing if it still runs.
  std::optional<int> WaitForExit(std::chrono::seconds patience);
  void Type(const std::string& text);

  // All that was printed so far; a terminal's includes the errors.
  const std::string& output() const { return output_; }
  const std::string& errors() const { return errors_; }
  // For messages of failed tests: how the output ends.
  std::string Tail() const;
  // The terminal's settings now; with kTerminal only.
  termios TerminalSettings() const;
  pid_t pid() const { return pid_; }

 private:
  void OpenPipes();
  void OpenTerminal();
  void Start(const std::vector<std::string>& arguments);
  // Takes in what is printed within a short time.
  void Pump();
  bool Reap();
  bool FindNext(const std::string& pattern);

  UniqueFd input_, output_fd_, errors_fd_;  // our ends
  UniqueFd child_input_, child_output_, child_errors_;
  pid_t pid_ = -1;
  std::optional<int> status_;
  std::string output_, errors_;
  size_t searched_ = 0;  // in output_: up to where WaitFor has looked
};

}  // namespace tandem::tests
