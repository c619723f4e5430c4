#include "base/log.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace tandem {
namespace {

std::atomic<u32> log_items{0};
std::atomic<std::FILE*> log_file{nullptr};

}  // namespace

void SetLogItems(u32 mask) { log_items.store(mask, std::memory_order_relaxed); }

u32 LogItems() { return log_items.load(std::memory_order_relaxed); }

Result<void> SetLogFile(const char* path) {
  std::FILE* file = std::fopen(path, "we");
  if (file == nullptr) {
    return Fail("-D {}: cannot open the log file: {}", path, std::strerror(errno));
  }
  std::setvbuf(file, nullptr, _IOLBF, BUFSIZ);  // the last line counts when the process dies
  log_file.store(file);
  return {};
}

void LogLine(std::string_view line) {
  std::FILE* file = log_file.load();
  std::FILE* out = file != nullptr ? file : stderr;
  // One call a line: stdio's own lock keeps lines of several threads whole.
  std::fprintf(out, "%.*s\n", static_cast<int>(line.size()), line.data());
}

void WarnLine(std::string_view line) {
  std::fprintf(stderr, "tandem: warning: %.*s\n", static_cast<int>(line.size()), line.data());
}

void NoteLine(std::string_view line) {
  std::fprintf(stderr, "tandem: %.*s\n", static_cast<int>(line.size()), line.data());
}

}  // namespace tandem
