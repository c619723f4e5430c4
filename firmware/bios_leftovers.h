#pragma once

#include <span>

#include "firmware/bytes.h"
#include "firmware/guest_memory.h"

namespace tandem::firmware {

// A byte that firmware writes to a port.
struct PortWrite {
  u16 port;
  u8 value;
};

// For kernels that go back to real mode, as Multiboot's may: interrupt vectors whose handlers
// acknowledge and return, in guest memory and in the BIOS area (128 KiB at 0xe0000).
Result<void> LeaveVectors(const GuestMemory& memory, Bytes& bios_area);

// The interrupt controllers at vectors 0x08 and 0x70 with the timer's and the cascade's lines open,
// and the timer at 18.2 Hz, as any BIOS leaves them.
std::span<const PortWrite> BiosPortWrites();

}  // namespace tandem::firmware
