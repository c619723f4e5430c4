#pragma once

#include <optional>

#include "devices/bus/flat_view.h"
#include "firmware/board.h"
#include "firmware/linker.h"

namespace tandem::firmware {

inline constexpr const char* kAcpiTablesFile = "etc/acpi/tables";
inline constexpr const char* kAcpiRsdpFile = "etc/acpi/rsdp";

// Where the firmware is to go on after S3, as the FACS that the RSDP leads to says; nothing: nowhere.
std::optional<u32> WakingVector(const devices::FlatView& memory, u64 rsdp_address);

// All ACPI tables of the board in one file, the RSDP in another, and how they are linked.
Linker BuildAcpi(const Board& board);

}  // namespace tandem::firmware
