#pragma once

#include "devices/display/vga_registers.h"

namespace tandem::devices {

// The VGA's ports 0x3b0-0x3df, a byte at a time. Ports that do not answer read as 0xff.
u8 ReadVgaPort(VgaRegisters& vga, u32 port);
// dac_is_8bit: colours are stored as they come, not 6 bits wide.
void WriteVgaPort(VgaRegisters& vga, u32 port, u8 value, bool dac_is_8bit);

}  // namespace tandem::devices
