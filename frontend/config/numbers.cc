#include <cctype>
#include <cerrno>
#include <cstdlib>

#include "base/bits.h"
#include "frontend/config/key_values.h"

// The scalar forms of option values.
namespace tandem::frontend {
namespace {

// The digits behind a decimal point, of a unit of so many bytes. Nothing: malformed.
std::optional<u64> FractionOf(std::string_view digits, u64 unit) {
  const std::optional<u64> number = ParseNumber(digits);
  if (!number || digits.size() > 9 || digits.starts_with("0x")) {
    return std::nullopt;
  }
  double part = static_cast<double>(*number);
  for (size_t i = 0; i < digits.size(); ++i) {
    part /= 10;
  }
  return static_cast<u64>(part * static_cast<double>(unit));
}

}  // namespace

std::optional<bool> ParseBool(std::string_view text) {
  if (text == "on" || text == "yes" || text == "true") {
    return true;
  }
  if (text == "off" || text == "no" || text == "false") {
    return false;
  }
  return std::nullopt;
}

std::optional<u64> ParseNumber(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0])) == 0) {
    return std::nullopt;  // strtoull would take signs and spaces
  }
  const std::string copy(text);
  char* end = nullptr;
  errno = 0;
  const u64 value = std::strtoull(copy.c_str(), &end, copy.starts_with("0x") ? 16 : 10);
  if (errno != 0 || end != copy.c_str() + copy.size()) {
    return std::nullopt;
  }
  return value;
}

std::optional<u64> ParseSize(std::string_view text, u64 default_unit) {
  static constexpr std::string_view kSuffixes = "bkmgtpe";
  if (text.empty()) {
    return std::nullopt;
  }
  u64 unit = default_unit;
  const size_t suffix = kSuffixes.find(static_cast<char>(std::tolower(text.back())));
  if (suffix != std::string_view::npos && !text.starts_with("0x")) {
    unit = u64{1} << (10 * suffix);
    text.remove_suffix(1);
  }
  const size_t dot = text.find('.');
  const std::optional<u64> whole = ParseNumber(text.substr(0, dot));
  if (!whole) {
    return std::nullopt;
  }
  const std::optional<u64> bytes = CheckedMul(*whole, unit);
  if (!bytes || dot == std::string_view::npos) {
    return bytes;
  }
  const std::optional<u64> fraction = FractionOf(text.substr(dot + 1), unit);
  return fraction ? CheckedAdd(*bytes, *fraction) : std::nullopt;
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char letter : text) {
    if (letter == separator) {
      parts.emplace_back();
    } else {
      parts.back() += letter;
    }
  }
  return parts;
}

std::string Join(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) {
    text += text.empty() ? "" : ", ";
    text += word;
  }
  return text;
}

}  // namespace tandem::frontend
