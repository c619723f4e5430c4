#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "tests/layering/rules.h"

namespace tandem::tests {
namespace {

namespace fs = std::filesystem;

struct Source {
  std::string path;  // from the root of the tree
  std::vector<std::string> lines;
};

// The runfiles are links into the source tree.
fs::path Root() {
  return fs::canonical("tests/layering/rules.h").parent_path().parent_path().parent_path();
}

Source ReadSource(const fs::path& path, const fs::path& root) {
  Source source{fs::relative(path, root), {}};
  std::ifstream stream(path);
  for (std::string line; std::getline(stream, line);) {
    source.lines.push_back(line);
  }
  return source;
}

std::vector<Source> ReadTree() {
  const fs::path root = Root();
  std::vector<Source> sources;
  for (const char* top : {"base", "devices", "cpu", "jit", "accel", "frontend", "firmware"}) {
    if (!fs::exists(root / top)) {
      continue;
    }
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / top)) {
      if (entry.path().extension() == ".h" || entry.path().extension() == ".cc") {
        sources.push_back(ReadSource(entry.path(), root));
      }
    }
  }
  return sources;
}

// "cpu/exec/x.cc" is below "cpu/exec" and "cpu/", "cpu/execute.cc" below "cpu/" only.
bool IsBelow(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) &&
         (folder.ends_with('/') || path.substr(folder.size()).starts_with('/'));
}

// The innermost room that the file is in.
const RoomRule* RoomOf(std::string_view path) {
  const RoomRule* best = nullptr;
  for (const RoomRule& rule : kRooms) {
    if (IsBelow(path, rule.room) && (best == nullptr || rule.room.size() > best->room.size())) {
      best = &rule;
    }
  }
  return best;
}

// What stands between the quotes or angle brackets of an #include line.
std::optional<std::string> IncludeOf(const std::string& line) {
  if (!line.starts_with("#include ") || line.size() < 12) {
    return std::nullopt;
  }
  const size_t end = line.find_first_of("\">", 10);
  return end == std::string::npos ? std::nullopt : std::optional(line.substr(10, end - 10));
}

bool MayInclude(const RoomRule& room, std::string_view header) {
  const RoomRule* target = RoomOf(header);
  if (target == nullptr || target == &room || target->room == "base") {
    return true;
  }
  return std::any_of(room.may_include.begin(), room.may_include.end(),
                     [&](std::string_view allowed) {
                       return allowed == target->room ||
                              (allowed.ends_with('/') && target->room.starts_with(allowed));
                     });
}

bool MaySeeForeign(std::string_view path, std::string_view header) {
  return std::none_of(std::begin(kForeign), std::end(kForeign), [&](const ForeignRule& rule) {
    return header.starts_with(rule.prefix) && !IsBelow(path, rule.room);
  });
}

}  // namespace

TEST_CASE("layering: every source file is in a room") {
  const std::vector<Source> sources = ReadTree();
  CHECK_GT(sources.size(), 100);
  for (const Source& source : sources) {
    CAPTURE(source.path);
    CHECK_NE(RoomOf(source.path), nullptr);
  }
}

TEST_CASE("layering: a room includes only what its row allows") {
  for (const Source& source : ReadTree()) {
    const RoomRule* room = RoomOf(source.path);
    for (const std::string& line : source.lines) {
      const std::optional<std::string> header = IncludeOf(line);
      if (header && room != nullptr && !MayInclude(*room, *header)) {
        FAIL_CHECK(source.path << " includes " << *header);
      }
    }
  }
}

TEST_CASE("layering: a foreign header is seen by one room only") {
  for (const Source& source : ReadTree()) {
    for (const std::string& line : source.lines) {
      const std::optional<std::string> header = IncludeOf(line);
      if (header && !MaySeeForeign(source.path, *header)) {
        FAIL_CHECK(source.path << " includes " << *header);
      }
    }
  }
}

TEST_CASE("layering: no file is too long to be held in the head") {
  for (const Source& source : ReadTree()) {
    if (source.lines.size() > kMaxLines) {
      FAIL_CHECK(source.path << " has " << source.lines.size() << " lines");
    }
  }
}

}  // namespace tandem::tests
