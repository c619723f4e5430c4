#pragma once

#include "firmware/boot_request.h"

namespace tandem::firmware {

struct InitrdPlace {
  u64 address = 0;
  u64 size = 0;
};

// The zero page: setup header (from offset 0x1f1; may be empty for a bare vmlinux), E820 map,
// command line and initrd, at kBootParamsAddress.
Result<void> WriteBootParams(const BootRequest& boot, std::span<const std::byte> setup_header,
                             u64 kernel_address, InitrdPlace initrd);

}  // namespace tandem::firmware
