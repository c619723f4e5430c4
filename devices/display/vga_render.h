#pragma once

#include <span>
#include <string>
#include <vector>

#include "devices/display/bochs_vbe.h"
#include "devices/display/surface.h"
#include "devices/display/vga_registers.h"

namespace tandem::devices {

// Draws what the display shows now, in whichever mode it is. memory's size is a power of two.
void RenderVga(const VgaRegisters& vga, const BochsVbe& vbe, std::span<const std::byte> memory,
               Surface& out);

// The characters of the text screen, a string a row; empty in graphics modes.
std::vector<std::string> TextOf(const VgaRegisters& vga, const BochsVbe& vbe,
                                std::span<const std::byte> memory);

}  // namespace tandem::devices
