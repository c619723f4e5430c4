#pragma once

#include <fmt/format.h>

#include <string_view>

#include "base/ints.h"
#include "base/result.h"

namespace tandem {

// What `-d` can switch on; printed to stderr or to the file of `-D`.
enum class LogItem : u32 {
  kGuestError = 1u << 0,  // a guest did something that hardware leaves undefined
  kUnimp = 1u << 1,       // a guest used something that is not modelled
  kInt = 1u << 2,         // exceptions and interrupts
  kInAsm = 1u << 3,       // guest code as it is decoded
  kCpuReset = 1u << 4,
  kExec = 1u << 5,
  kOp = 1u << 6,
  kOutAsm = 1u << 7,
  kMmu = 1u << 8,
  kIo = 1u << 9,
  kAccel = 1u << 10,
  kJit = 1u << 11,
};

// Process-wide, as the terminal is: set once while the command line is read, before threads start.
void SetLogItems(u32 mask);
Result<void> SetLogFile(const char* path);

u32 LogItems();
inline bool LogEnabled(LogItem item) { return (LogItems() & static_cast<u32>(item)) != 0; }

// One whole line, without newline. Any thread.
void LogLine(std::string_view line);
// Always printed, to stderr, prefixed "tandem: warning: ", and what is no warning "tandem: ".
void WarnLine(std::string_view line);
void NoteLine(std::string_view line);

template <typename... Args>
void Log(LogItem item, fmt::format_string<Args...> format, Args&&... args) {
  if (LogEnabled(item)) [[unlikely]] {
    LogLine(fmt::format(format, std::forward<Args>(args)...));
  }
}

template <typename... Args>
void Warn(fmt::format_string<Args...> format, Args&&... args) {
  WarnLine(fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void Note(fmt::format_string<Args...> format, Args&&... args) {
  NoteLine(fmt::format(format, std::forward<Args>(args)...));
}

// Error with a formatted message.
template <typename... Args>
Error Fail(fmt::format_string<Args...> format, Args&&... args) {
  return Error{fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace tandem
