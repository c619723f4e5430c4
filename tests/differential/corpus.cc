#include "tests/differential/corpus.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace tandem::cpu {
namespace {

bool ParseNumber(std::string_view text, u64& number) {
  const char* const end = text.data() + text.size();
  return std::from_chars(text.data(), end, number).ptr == end && !text.empty();
}

// "WORD REST"
bool ParseLine(const std::string& line, Corpus& corpus) {
  const size_t space = line.find(' ');
  const std::string word = line.substr(0, space);
  const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
  if (word == "seed") {
    return ParseNumber(rest, corpus.seed);
  }
  if (word == "next") {
    return ParseNumber(rest, corpus.next);
  }
  if (word == "row") {
    corpus.rows.push_back(rest);
    return true;
  }
  const size_t name = rest.find(' ');
  u64 count = 0;
  if (word != "hits" || name == std::string::npos || !ParseNumber(rest.substr(0, name), count)) {
    return line.empty() || line[0] == '#';
  }
  corpus.hits.emplace_back(rest.substr(name + 1), static_cast<u32>(count));
  return true;
}

}  // namespace

Result<std::optional<Corpus>> ReadCorpus(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    if (errno == ENOENT) {
      return std::optional<Corpus>();
    }
    return Error{fmt::format("cannot read corpus '{}': {}", path, std::strerror(errno))};
  }
  Corpus corpus;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (!ParseLine(line, corpus)) {
      return Error{fmt::format("{}:{}: no line of a corpus: '{}'", path, number, line)};
    }
  }
  return std::optional<Corpus>(std::move(corpus));
}

Result<void> WriteCorpus(const std::string& path, const Corpus& corpus) {
  const std::string part = path + ".part";
  {
    std::ofstream file(part);
    file << "# tests/differential --corpus: delete it to start anew\n"
         << "seed " << corpus.seed << "\nnext " << corpus.next << '\n';
    for (const std::string& row : corpus.rows) {
      file << "row " << row << '\n';
    }
    for (const auto& [name, count] : corpus.hits) {
      file << "hits " << count << ' ' << name << '\n';
    }
    if (!file.flush()) {
      return Error{fmt::format("cannot write corpus '{}': {}", part, std::strerror(errno))};
    }
  }
  if (std::rename(part.c_str(), path.c_str()) != 0) {
    return Error{fmt::format("cannot write corpus '{}': {}", path, std::strerror(errno))};
  }
  return {};
}

}  // namespace tandem::cpu
