#include "devices/legacy/key_code.h"

#include <utility>

namespace tandem::devices {
namespace {

constexpr std::pair<std::string_view, KeyCode> kNames[] = {
#define KEY(name, text, code) {text, KeyCode::name},
    TANDEM_KEYS(KEY)
#undef KEY
};

}  // namespace

std::optional<KeyCode> KeyCodeByName(std::string_view name) {
  for (const auto& [text, code] : kNames) {
    if (text == name) {
      return code;
    }
  }
  return std::nullopt;
}

}  // namespace tandem::devices
