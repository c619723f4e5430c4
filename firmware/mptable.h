#pragma once

#include "firmware/board.h"
#include "firmware/bytes.h"

namespace tandem::firmware {

// MultiProcessor Specification 1.4 floating pointer and configuration table for kernels without
// ACPI, laid one behind the other at address (16-byte aligned, below 1 MiB).
Bytes BuildMpTable(const Board& board, u32 address);

}  // namespace tandem::firmware
