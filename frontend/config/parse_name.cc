#include <cctype>

#include "base/log.h"
#include "frontend/config/draft.h"

// -name and -uuid.
namespace tandem::frontend {
namespace {

// 8-4-4-4-12 hexadecimal digits, in this order.
std::optional<std::array<u8, 16>> ParseUuidText(const std::string& text) {
  if (text.size() != 36) {
    return std::nullopt;
  }
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) {
      return std::nullopt;
    }
    digits += is_dash ? "" : std::string(1, text[i]);
  }
  std::array<u8, 16> uuid{};
  for (size_t i = 0; i < uuid.size(); ++i) {
    uuid[i] = static_cast<u8>(std::stoul(digits.substr(2 * i, 2), nullptr, 16));
  }
  return uuid;
}

}  // namespace

Result<void> ParseName(Draft& draft, const Argument& argument) {
  auto keys = ReadKeys(argument, "guest");
  if (!keys) {
    return keys.error();
  }
  draft.out.machine.name = keys->Text("guest", draft.out.machine.name);
  draft.out.process_name = keys->Text("process", draft.out.process_name);
  keys->Bool("debug-threads", false);
  return keys->Finish();
}

Result<void> ParseUuid(Draft& draft, const Argument& argument) {
  const std::optional<std::array<u8, 16>> uuid = ParseUuidText(argument.value);
  if (!uuid) {
    return Fail("{}: not a UUID as 01234567-89ab-cdef-0123-456789abcdef", argument.where);
  }
  draft.out.machine.uuid = *uuid;
  return {};
}

}  // namespace tandem::frontend
