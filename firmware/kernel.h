#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "devices/bus/flat_view.h"
#include "firmware/bios_leftovers.h"
#include "firmware/board.h"
#include "firmware/blob.h"
#include "firmware/cpu_entry.h"

namespace tandem::firmware {

// A Linux kernel that lies where it runs, up to where it uses memory, and how it is entered.
struct PlacedKernel {
  u64 address = 0;
  u64 end = 0;
  bool enter_64bit = false;
  u64 entry = 0;
};

// -kernel, -initrd and -append with their files read, for one boot.
struct KernelFiles {
  std::string kernel_name;
  Blob kernel;
  std::string initrd_option;  // as given: Multiboot takes a comma-separated list from it
  Blob initrd;                // empty where none is given
  std::string command_line;
  std::optional<PlacedKernel> placed;  // what PlaceKernel has brought in
};

// Reads the files. initrd may be empty. For a Multiboot kernel each part of the comma-separated
// list is a module and is read when the kernel is loaded.
Result<KernelFiles> ReadKernelFiles(const std::string& kernel, const std::string& initrd,
                                    const std::string& command_line);

// Decompresses a bzImage into guest memory, before LoadKernel and beside the building of devices, as long
// as nobody else writes to memory. What cannot be done so is done by the image's own decompressor, in
// the guest.
void PlaceKernel(const std::shared_ptr<const devices::FlatView>& memory, KernelFiles& files);

// Loads the kernel and all that direct boot needs (RAM below 1 MiB, page tables, E820, ACPI
// tables in RAM, BIOS-area tables) and says how the boot processor starts. memory must show RAM at
// 0-0x9ffff and from 1 MiB on. The returned image is what 0xe0000-0xfffff must show; where RAM
// shows there already (shadow RAM is open) it has been written too.
struct DirectBoot {
  CpuEntry entry;
  std::span<const PortWrite> port_writes;  // to be done before the processor starts
  Bytes bios_area;  // 128 KiB for 0xe0000: RSDP, SMBIOS and MP tables, found by their signatures
};
// Where LoadKernel puts the RSDP.
u64 RsdpAddress();
Result<DirectBoot> LoadKernel(std::shared_ptr<const devices::FlatView> memory, const Board& board,
                              const KernelFiles& files);

}  // namespace tandem::firmware
