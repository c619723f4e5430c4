#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ints.h"
#include "base/result.h"

namespace tandem::frontend {

// The properties of one option: "a=b,c=d" or a JSON object. In the list form ",," is a comma within
// a value, and a first part without '=' is the value of the option's leading key.
class KeyValues {
 public:
  // where: the option as the user gave it, for messages ("-drive file=x").
  static Result<KeyValues> Parse(std::string_view text, std::string_view leading_key,
                                 std::string where);

  const std::string& where() const { return where_; }

  // Each Take removes the key: what is left in the end is unknown. Of several, the last one counts.
  std::optional<std::string> Take(std::string_view key);
  Result<bool> TakeBool(std::string_view key, bool fallback);
  Result<std::optional<u64>> TakeNumber(std::string_view key);
  Result<std::optional<u64>> TakeSize(std::string_view key);

  std::vector<std::pair<std::string, std::string>> TakeAll() { return std::move(pairs_); }

  // An error that names what was not taken and the nearest of the known keys.
  Result<void> ExpectEmpty(const std::vector<std::string_view>& known) const;

 private:
  std::string where_;
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// "on", "off", "yes", "no", "true", "false".
std::optional<bool> ParseBool(std::string_view text);
// Decimal, or hexadecimal with 0x.
std::optional<u64> ParseNumber(std::string_view text);
// A number with an optional suffix b, k, M, G, T, P, E (powers of 1024); without one it counts
// default_unit bytes. Fractions ("1.5G") are allowed. Nothing: malformed or beyond 64 bits.
std::optional<u64> ParseSize(std::string_view text, u64 default_unit);

// The candidate that differs least from name, or nothing where none is near.
std::optional<std::string_view> Nearest(std::string_view name,
                                        const std::vector<std::string_view>& candidates);
// ": did you mean 'x'?" or nothing.
std::string DidYouMean(std::string_view name, const std::vector<std::string_view>& candidates);

}  // namespace tandem::frontend
