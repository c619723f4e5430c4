#include "firmware/guest/images.h"

#include "base/ints.h"

namespace tandem::firmware {
namespace {

constexpr u8 kBiosStubs[] = {
#include "firmware/guest/bios_stubs.inc"
};

constexpr u8 kDsdt[] = {
#include "firmware/guest/dsdt.inc"
};

constexpr u8 kLinuxBootRom[] = {
#include "firmware/guest/linuxboot.inc"
};

}  // namespace

std::span<const std::byte> BiosStubs() { return std::as_bytes(std::span(kBiosStubs)); }
std::span<const std::byte> Dsdt() { return std::as_bytes(std::span(kDsdt)); }
std::span<const std::byte> LinuxBootRom() { return std::as_bytes(std::span(kLinuxBootRom)); }

}  // namespace tandem::firmware
