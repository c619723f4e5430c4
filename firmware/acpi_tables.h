#pragma once

#include "firmware/board.h"
#include "firmware/bytes.h"

namespace tandem::firmware {

inline constexpr const char* kAcpiOemId = "TANDEM";
inline constexpr u32 kAcpiHeaderSize = 36;

// A table with its header; the checksum is left to the linker.
Bytes AcpiTable(std::string_view signature, u8 revision, std::span<const std::byte> body);

// The fixed tables (ACPI 6.4 section 5.2; HPET specification; WAET by Microsoft). Pointers are
// zero.
Bytes BuildFacs();
Bytes BuildFadt();
Bytes BuildMadt(const Board& board);
Bytes BuildHpet();
Bytes BuildWaet();

}  // namespace tandem::firmware
