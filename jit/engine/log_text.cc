#include "jit/engine/log_text.h"

#include <fmt/format.h>

namespace tandem::jit {

std::string ModeText(const UnitMode& mode) {
  const char* const place = mode.is_real     ? "real"
                            : mode.is_user   ? "user"
                            : mode.is_kernel ? "kernel"
                                             : "ring 1 or 2";
  return fmt::format("{}-bit {}", mode.code_bits, place);
}

}  // namespace tandem::jit
