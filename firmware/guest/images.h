#pragma once

#include <span>

namespace tandem::firmware {

// dsdt.asl as the build's iasl compiled it.
std::span<const std::byte> Dsdt();

// linuxboot.asm, a boot ROM whose length is a multiple of 512; the last byte is free for the
// checksum.
std::span<const std::byte> LinuxBootRom();

// bios_stubs.asm: real-mode interrupt handlers for F000:FF00.
std::span<const std::byte> BiosStubs();

}  // namespace tandem::firmware
