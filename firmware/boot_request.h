#pragma once

#include "firmware/e820.h"
#include "firmware/elf_image.h"
#include "firmware/guest_memory.h"
#include "firmware/kernel.h"

namespace tandem::firmware {

// What each kernel loader works on.
struct BootRequest {
  const GuestMemory& memory;
  const KernelFiles& files;
  std::vector<E820Entry> map;
  u64 ram_end;  // of low RAM that is free: ACPI tables begin here
  u64 rsdp_address;
};

// Where a blob of size bytes goes: as high as possible below last_byte and ram_end, but not below
// floor, on a page boundary.
Result<u64> PlaceInitrd(const BootRequest& boot, u64 size, u64 last_byte, u64 floor);

// The command line, zero-terminated, at kCommandLineAddress. Error where it is longer than max.
Result<void> WriteCommandLine(const BootRequest& boot, u64 max);

Result<CpuEntry> LoadLinux(const BootRequest& boot);
Result<CpuEntry> LoadMultiboot(const BootRequest& boot, u64 header_offset);
// PVH where the note is there, else a plain vmlinux by the Linux protocol of its class.
Result<CpuEntry> LoadElf(const BootRequest& boot);
// The two halves of LoadElf, with the segments and the command line in place.
Result<CpuEntry> EnterPlainElf(const BootRequest& boot, const ElfImage& elf);
Result<CpuEntry> EnterPvh(const BootRequest& boot, const ElfImage& elf, u64 entry);

}  // namespace tandem::firmware
