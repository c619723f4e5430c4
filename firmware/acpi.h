#pragma once

#include "firmware/board.h"
#include "firmware/linker.h"

namespace tandem::firmware {

inline constexpr const char* kAcpiTablesFile = "etc/acpi/tables";
inline constexpr const char* kAcpiRsdpFile = "etc/acpi/rsdp";

// All ACPI tables of the board in one file, the RSDP in another, and how they are linked.
Linker BuildAcpi(const Board& board);

}  // namespace tandem::firmware
