#pragma once

#include <array>
#include <string_view>

#include "base/ints.h"

namespace tandem::devices::ide {

using IdentifyData = std::array<u16, 256>;

// What of IDENTIFY DEVICE changes from drive to drive.
struct DiskFacts {
  u64 sectors = 0;
  u16 cylinders = 0;
  u16 heads = 0;
  u16 sectors_per_track = 0;
  u8 multiple = 0;       // sectors per block of READ MULTIPLE
  u8 transfer_mode = 0;  // as SET FEATURES set it
  std::string_view serial;
};

// ATA/ATAPI-6, 8.15 and 8.16.
IdentifyData IdentifyDisk(const DiskFacts& facts);
IdentifyData IdentifyCdrom(u8 transfer_mode, std::string_view serial);

inline constexpr u8 kMaxMultiple = 16;

}  // namespace tandem::devices::ide
