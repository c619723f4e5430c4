#pragma once

#include "firmware/board.h"
#include "firmware/bytes.h"

namespace tandem::firmware {

// SMBIOS 2.8: the structure table and the 31-byte entry point that leads to it.
struct Smbios {
  Bytes tables;
  Bytes anchor;  // complete but for the table's address; see LinkSmbios
};
Smbios BuildSmbios(const Board& board);

// The anchor for tables at address, checksums included.
Bytes LinkSmbios(const Smbios& smbios, u32 address);

}  // namespace tandem::firmware
