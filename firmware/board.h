#pragma once

#include <algorithm>
#include <array>
#include <string>

#include "base/ints.h"
#include "firmware/layout.h"

namespace tandem::firmware {

// What firmware tables say about the machine. Plain facts, filled by the machine builder.
struct Board {
  u64 ram_bytes = u64{128} << 20;
  u32 cpus = 1;  // present at boot; local APIC ids are 0 to cpus - 1
  u32 max_cpus = 1;
  bool has_hpet = true;
  bool has_parallel = true;
  u8 serial_ports = 1;  // bit n: COM(n+1)
  std::array<u8, 16> uuid{};
  std::string name;  // of the virtual machine; may be empty

  u64 LowRam() const { return std::min(ram_bytes, kLowRamMax); }
  u64 HighRam() const { return ram_bytes - LowRam(); }
};

}  // namespace tandem::firmware
