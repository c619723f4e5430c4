#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ints.h"
#include "base/result.h"
#include "frontend/config/nearest.h"  // for whoever reads properties

namespace tandem::frontend {

// The properties of one option: "a=b,c=d" or a JSON object. In the list form ",," is a comma within
// a value, and a first part without '=' is the value of the option's leading key.
//
// A reader takes the keys it knows and calls Finish() at the end: the first key that nobody took (a
// mistyped one explains why another is missing), or else the first value that could not be read,
// becomes the error. Of equal keys the last counts.
class KeyValues {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  // where: the option as the user gave it, for messages ("-drive file=x").
  static Result<KeyValues> Parse(std::string_view text, std::string_view leading_key,
                                 std::string where);
  KeyValues(Pairs pairs, std::string where) : where_(std::move(where)), pairs_(std::move(pairs)) {}

  const std::string& where() const { return where_; }

  std::optional<std::string> Text(std::string_view key);
  std::string Text(std::string_view key, std::string_view fallback);
  bool Bool(std::string_view key, bool fallback);
  std::optional<u64> Number(std::string_view key, u64 minimum, u64 maximum);
  std::optional<u64> Size(std::string_view key, u64 default_unit = 1);
  // One of the choices.
  std::string Choice(std::string_view key, const std::vector<std::string_view>& choices,
                     std::string_view fallback);
  // A boolean that can have one value only as yet.
  void OnlyBool(std::string_view key, bool value);

  // What is left, unread.
  Pairs TakeRest() { return std::exchange(pairs_, {}); }

  // Notes an error of the reader's own, to be returned by Finish().
  void Reject(std::string message);
  Result<void> Finish() const;

 private:
  std::string where_;
  Pairs pairs_;
  std::vector<std::string> known_;  // the keys that were asked for
  std::optional<std::string> error_;
};

// "on", "off", "yes", "no", "true", "false".
std::optional<bool> ParseBool(std::string_view text);
// Decimal, or hexadecimal with 0x.
std::optional<u64> ParseNumber(std::string_view text);
// A number with an optional suffix b, k, M, G, T, P, E (powers of 1024); without one it counts
// default_unit bytes. Fractions ("1.5G") are allowed. Nothing: malformed or beyond 64 bits.
std::optional<u64> ParseSize(std::string_view text, u64 default_unit);

// Splits at each separator; an empty text has one empty part.
std::vector<std::string> Split(std::string_view text, char separator);
// "a, b, c"
std::string Join(const std::vector<std::string_view>& words);

}  // namespace tandem::frontend
