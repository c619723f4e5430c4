#pragma once

#include <vector>

#include "firmware/board.h"
#include "firmware/bytes.h"

namespace tandem::firmware {

// Types of ACPI 6, "Address Range Types".
enum class E820Type : u32 { kRam = 1, kReserved = 2, kAcpi = 3, kNvs = 4 };

struct E820Entry {
  u64 start = 0;
  u64 length = 0;
  E820Type type = E820Type::kRam;
  bool operator==(const E820Entry&) const = default;
};

// The whole map a directly booted kernel sees; the topmost acpi_bytes of low RAM hold ACPI tables.
std::vector<E820Entry> DirectBootMap(const Board& board, u64 acpi_bytes);

// fw_cfg's etc/e820: RAM only; SeaBIOS and OVMF add their own reservations.
std::vector<E820Entry> FirmwareMap(const Board& board);

// 20 bytes an entry, as boot_params and etc/e820 hold them.
Bytes EncodeE820(const std::vector<E820Entry>& map);

}  // namespace tandem::firmware
