#pragma once

#include <span>

#include "devices/bus/ram_block.h"

namespace tandem::devices {

// Copies bytes into a block, as loaders do with much that comes where the host has given no memory yet:
// in pages, which takes a fraction of the time of fault by fault. Pages of zeros take no memory. The
// range must lie in the block; the guest does not run.
void FillRam(RamBlock& ram, u64 offset, std::span<const std::byte> data);
// Likewise zeros.
void ClearRam(RamBlock& ram, u64 offset, u64 length);

}  // namespace tandem::devices
