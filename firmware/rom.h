#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "devices/bus/ram_block.h"
#include "firmware/bytes.h"

namespace tandem::firmware {

inline constexpr const char* kDefaultBios = "bios-256k.bin";

// A BIOS image for the end of the first 4 GiB; its last 128 KiB show at 0xe0000 too. path is looked
// up by FindDataFile. Its size must be a multiple of 64 KiB, 64 KiB to 16 MiB.
Result<std::shared_ptr<devices::RamBlock>> LoadBiosRom(const std::string& path);

// The read-only code part of UEFI firmware (-drive if=pflash,readonly=on), for the end of the first
// 4 GiB as well; a variable store (devices::Pflash) goes right below it. A multiple of 4 KiB.
Result<std::shared_ptr<devices::RamBlock>> LoadFlashCode(const std::string& path);

// The same block made from DirectBoot::bios_area: the machine maps both alike.
Result<std::shared_ptr<devices::RamBlock>> MakeBiosRom(const Bytes& bios_area);

// A PCI or ISA option ROM file, checked for its signature.
Result<Bytes> LoadOptionRom(const std::string& path);

}  // namespace tandem::firmware
