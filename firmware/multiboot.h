#pragma once

#include <optional>
#include <span>

#include "firmware/bytes.h"

namespace tandem::firmware {

// Where in the first 8 KiB the Multiboot 1 header lies, if there is one.
std::optional<u64> FindMultibootHeader(std::span<const std::byte> file);

}  // namespace tandem::firmware
