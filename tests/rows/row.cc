#include "tests/rows/row.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace tandem::cpu {
namespace {

std::string Trim(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t");
  const size_t last = text.find_last_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    parts.push_back(Trim(part));
  }
  return parts;
}

std::optional<std::vector<u8>> ParseHex(std::string digits) {
  if (digits.size() % 2 != 0) {
    digits.insert(digits.begin(), '0');
  }
  std::vector<u8> bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    u8 byte = 0;
    const char* end = digits.data() + i + 2;
    if (std::from_chars(digits.data() + i, end, byte, 16).ptr != end) {
      return std::nullopt;
    }
    bytes.push_back(byte);
  }
  return bytes;
}

std::optional<std::vector<u8>> ParseValue(const std::string& text, const Layout& layout) {
  std::vector<u8> bytes;
  if (text.starts_with("0x")) {
    const auto parsed = ParseHex(text.substr(2));
    if (!parsed) {
      return std::nullopt;
    }
    bytes = *parsed;
    std::reverse(bytes.begin(), bytes.end());
  } else {
    u64 value = 0;
    std::string digits = text;
    if (text.starts_with("@") || text.starts_with("+")) {
      value = text[0] == '@' ? layout.data - layout.data_base : layout.code - layout.code_base;
      digits = text.substr(text.starts_with("@+") ? 2 : 1);
    }
    i64 number = 0;
    const char* end = digits.data() + digits.size();
    if (!digits.empty() && std::from_chars(digits.data(), end, number).ptr != end) {
      return std::nullopt;
    }
    value += static_cast<u64>(number);
    for (int shift = 0; shift < 64; shift += 8) {
      bytes.push_back(static_cast<u8>(value >> shift));
    }
  }
  bytes.resize(std::max<size_t>(bytes.size(), 8));
  return bytes;
}

bool ParseItems(const std::string& text, const Layout& layout, std::vector<Item>& items) {
  std::stringstream stream(text);
  for (std::string word; stream >> word;) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) {
      return false;
    }
    Item item{word.substr(0, equals), {}};
    const std::string value = word.substr(equals + 1);
    if (value != "?") {
      const auto parsed = ParseValue(value, layout);
      if (!parsed) {
        return false;
      }
      item.value = *parsed;
    }
    items.push_back(item);
  }
  return true;
}

bool ParseMode(std::string& text, Row& row) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos || colon > text.find(';')) {
    return true;
  }
  const std::string mode = text.substr(0, colon);
  text = Trim(text.substr(colon + 1));
  row.is_privileged = mode == "k64";
  row.mode = mode == "16"     ? MachineMode::kProtected16
             : mode == "32"   ? MachineMode::kProtected32
             : mode == "real" ? MachineMode::kReal
             : mode == "c32"  ? MachineMode::kCompat32
             : mode == "c16"  ? MachineMode::kCompat16
                              : MachineMode::kLong;
  return row.mode != MachineMode::kLong || mode == "64" || mode == "k64";
}

bool ParseRow(const std::string& line, Row& row) {
  const std::vector<std::string> parts = Split(line, '|');
  if (parts.empty()) {
    return false;
  }
  std::string code = parts[0];
  if (!ParseMode(code, row)) {
    return false;
  }
  const size_t semicolon = code.find(';');
  if (semicolon == std::string::npos) {
    return false;
  }
  const auto bytes = ParseHex(Trim(code.substr(0, semicolon)));
  if (!bytes || bytes->empty()) {
    return false;
  }
  row.code = *bytes;
  row.text = Trim(code.substr(semicolon + 1));
  const Layout layout = LayoutOf(row.mode);
  return (parts.size() < 2 || ParseItems(parts[1], layout, row.in)) &&
         (parts.size() < 3 || ParseItems(parts[2], layout, row.out));
}

}  // namespace

const Item* Row::FindOut(const std::string& place) const {
  const auto it =
      std::find_if(out.begin(), out.end(), [&](const Item& item) { return item.place == place; });
  return it == out.end() ? nullptr : &*it;
}

std::vector<Row> ReadRows(const std::string& path, std::vector<std::string>& errors) {
  std::vector<Row> rows;
  std::ifstream file(path);
  if (!file) {
    errors.push_back("cannot open " + path);
  }
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    line = Trim(line.substr(0, line.find('#')));
    if (line.empty()) {
      continue;
    }
    Row row;
    row.file = path;
    row.line = number;
    ParseRow(line, row) ? rows.push_back(row)
                        : errors.push_back(path + ":" + std::to_string(number) + ": bad row");
  }
  return rows;
}

}  // namespace tandem::cpu
