#include "frontend/config/key_values.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/bits.h"
#include "base/log.h"

namespace tandem::frontend {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Splits at single commas; ",," becomes one comma.
std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> parts(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ',') {
      parts.back() += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == ',') {
      parts.back() += ',';
      ++i;
    } else {
      parts.emplace_back();
    }
  }
  return parts;
}

Pairs FromList(std::string_view text, std::string_view leading_key) {
  Pairs pairs;
  const std::vector<std::string> parts = SplitList(text);
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string& part = parts[i];
    const size_t equals = part.find('=');
    if (equals != std::string::npos) {
      pairs.emplace_back(part.substr(0, equals), part.substr(equals + 1));
    } else if (i == 0 && !leading_key.empty()) {
      pairs.emplace_back(leading_key, part);
    } else if (!part.empty()) {
      pairs.emplace_back(part, "on");  // "share" means share=on
    }
  }
  return pairs;
}

std::string ScalarText(const nlohmann::json& value) {
  if (value.is_string()) {
    return value.get<std::string>();
  }
  return value.is_boolean() ? (value.get<bool>() ? "on" : "off") : value.dump();
}

// Nested objects become dotted keys, as in the list form.
void FlattenJson(const nlohmann::json& object, const std::string& prefix, Pairs& pairs) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object() || value.is_array()) {
      FlattenJson(value, prefix + key + ".", pairs);
    } else {
      pairs.emplace_back(prefix + key, ScalarText(value));
    }
  }
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row.back();
}

}  // namespace

Result<KeyValues> KeyValues::Parse(std::string_view text, std::string_view leading_key,
                                   std::string where) {
  KeyValues result;
  result.where_ = std::move(where);
  if (!text.starts_with('{')) {
    result.pairs_ = FromList(text, leading_key);
    return result;
  }
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return Fail("{}: the JSON object is malformed", result.where_);
  }
  FlattenJson(json, "", result.pairs_);
  return result;
}

std::optional<std::string> KeyValues::Take(std::string_view key) {
  std::optional<std::string> value;
  std::erase_if(pairs_, [&](const auto& pair) {
    if (pair.first != key) {
      return false;
    }
    value = pair.second;
    return true;
  });
  return value;
}

Result<bool> KeyValues::TakeBool(std::string_view key, bool fallback) {
  const std::optional<std::string> text = Take(key);
  if (!text) {
    return fallback;
  }
  const std::optional<bool> value = ParseBool(*text);
  if (!value) {
    return Fail("{}: {}={} is neither on nor off", where_, key, *text);
  }
  return *value;
}

Result<std::optional<u64>> KeyValues::TakeNumber(std::string_view key) {
  const std::optional<std::string> text = Take(key);
  if (!text) {
    return std::optional<u64>();
  }
  const std::optional<u64> value = ParseNumber(*text);
  if (!value) {
    return Fail("{}: {}={} is not a number", where_, key, *text);
  }
  return value;
}

Result<std::optional<u64>> KeyValues::TakeSize(std::string_view key) {
  const std::optional<std::string> text = Take(key);
  if (!text) {
    return std::optional<u64>();
  }
  const std::optional<u64> value = ParseSize(*text, 1);
  if (!value) {
    return Fail("{}: {}={} is not a size (a number with k, M or G)", where_, key, *text);
  }
  return value;
}

Result<void> KeyValues::ExpectEmpty(const std::vector<std::string_view>& known) const {
  if (pairs_.empty()) {
    return {};
  }
  const std::string& key = pairs_.front().first;
  return Fail("{}: unknown property '{}'{}", where_, key, DidYouMean(key, known));
}

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
  const std::string copy(text);
  if (copy.empty() || copy[0] == '-' || copy[0] == '+' || copy[0] == ' ') {
    return std::nullopt;
  }
  char* end = nullptr;
  errno = 0;
  const u64 value = std::strtoull(copy.c_str(), &end, copy.starts_with("0x") ? 16 : 10);
  if (errno != 0 || *end != '\0') {
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
  std::optional<u64> bytes = CheckedMul(*whole, unit);
  if (bytes && dot != std::string_view::npos) {
    const std::string_view digits = text.substr(dot + 1);
    const std::optional<u64> fraction = ParseNumber(digits);
    if (!fraction || digits.size() > 9) {
      return std::nullopt;
    }
    double part = static_cast<double>(*fraction);
    for (size_t i = 0; i < digits.size(); ++i) {
      part /= 10;
    }
    bytes = CheckedAdd(*bytes, static_cast<u64>(part * static_cast<double>(unit)));
  }
  return bytes;
}

std::optional<std::string_view> Nearest(std::string_view name,
                                        const std::vector<std::string_view>& candidates) {
  std::optional<std::string_view> best;
  size_t best_distance = std::max<size_t>(2, name.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const size_t distance = EditDistance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string DidYouMean(std::string_view name, const std::vector<std::string_view>& candidates) {
  const std::optional<std::string_view> near = Nearest(name, candidates);
  return near ? fmt::format(": did you mean '{}'?", *near) : std::string();
}

}  // namespace tandem::frontend
