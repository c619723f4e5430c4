#include "frontend/config/key_values.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "frontend/config/nearest.h"

namespace tandem::frontend {
namespace {

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

KeyValues::Pairs FromList(std::string_view text, std::string_view leading_key) {
  KeyValues::Pairs pairs;
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
void FlattenJson(const nlohmann::json& object, const std::string& prefix, KeyValues::Pairs& pairs) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object() || value.is_array()) {
      FlattenJson(value, prefix + key + ".", pairs);
    } else {
      pairs.emplace_back(prefix + key, ScalarText(value));
    }
  }
}

}  // namespace

Result<KeyValues> KeyValues::Parse(std::string_view text, std::string_view leading_key,
                                   std::string where) {
  if (!text.starts_with('{')) {
    return KeyValues(FromList(text, leading_key), std::move(where));
  }
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return Fail("{}: the JSON object is malformed", where);
  }
  Pairs pairs;
  FlattenJson(json, "", pairs);
  return KeyValues(std::move(pairs), std::move(where));
}

std::optional<std::string> KeyValues::Text(std::string_view key) {
  known_.emplace_back(key);
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

std::string KeyValues::Text(std::string_view key, std::string_view fallback) {
  return Text(key).value_or(std::string(fallback));
}

bool KeyValues::Bool(std::string_view key, bool fallback) {
  const std::optional<std::string> text = Text(key);
  if (!text) {
    return fallback;
  }
  const std::optional<bool> value = ParseBool(*text);
  if (!value) {
    Reject(fmt::format("{}={} is neither on nor off", key, *text));
  }
  return value.value_or(fallback);
}

std::optional<u64> KeyValues::Number(std::string_view key, u64 minimum, u64 maximum) {
  const std::optional<std::string> text = Text(key);
  if (!text) {
    return std::nullopt;
  }
  const std::optional<u64> value = ParseNumber(*text);
  if (!value) {
    Reject(fmt::format("{}={} is not a number", key, *text));
  } else if (*value < minimum || *value > maximum) {
    Reject(fmt::format("{}={} is not in {}..{}", key, *text, minimum, maximum));
  }
  return value;
}

std::optional<u64> KeyValues::Size(std::string_view key, u64 default_unit) {
  const std::optional<std::string> text = Text(key);
  if (!text) {
    return std::nullopt;
  }
  const std::optional<u64> value = ParseSize(*text, default_unit);
  if (!value) {
    Reject(fmt::format("{}={} is not a size (a number with k, M, G or T)", key, *text));
  }
  return value;
}

std::string KeyValues::Choice(std::string_view key, const std::vector<std::string_view>& choices,
                              std::string_view fallback) {
  const std::optional<std::string> text = Text(key);
  if (!text) {
    return std::string(fallback);
  }
  if (std::find(choices.begin(), choices.end(), *text) == choices.end()) {
    Reject(fmt::format("{}={} is not one of {}{}", key, *text, Join(choices),
                       DidYouMean(*text, choices)));
  }
  return *text;
}

void KeyValues::OnlyBool(std::string_view key, bool value) {
  if (Bool(key, value) != value) {
    Reject(fmt::format("{}={} is not there yet", key, value ? "off" : "on"));
  }
}

void KeyValues::Reject(std::string message) {
  if (!error_) {
    error_ = std::move(message);
  }
}

Result<void> KeyValues::Finish() const {
  if (!pairs_.empty()) {
    const std::string& key = pairs_.front().first;
    return Fail("{}: unknown property '{}'{}", where_, key,
                DidYouMean(key, {known_.begin(), known_.end()}));
  }
  if (error_) {
    return Fail("{}: {}", where_, *error_);
  }
  return {};
}

}  // namespace tandem::frontend
