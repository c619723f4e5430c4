#include "firmware/kernel.h"

#include <algorithm>

#include "base/log.h"
#include "firmware/acpi.h"
#include "firmware/boot_request.h"
#include "firmware/bzimage.h"
#include "firmware/file.h"
#include "firmware/mptable.h"
#include "firmware/multiboot.h"
#include "firmware/smbios.h"

namespace tandem::firmware {
namespace {

constexpr u64 kRsdpOffset = 0;          // in the BIOS area: on a 16-byte boundary
constexpr u64 kSmbiosOffset = 0x10000;  // from 0xf0000 on, where kernels look
constexpr u64 kMinimumRam = u64{2} << 20;

// Fills the BIOS area and says where in it the next table may go.
void Place(Bytes& area, u64 offset, const Bytes& table) {
  CHECK(offset + table.size() <= area.size());
  std::ranges::copy(table, area.begin() + static_cast<long>(offset));
}

// SMBIOS and MP tables; the MP table of very many processors is left out where it has no room.
void PlaceTables(Bytes& area, const Board& board) {
  const Smbios smbios = BuildSmbios(board);
  const u64 tables_offset = kSmbiosOffset + 32;
  if (tables_offset + smbios.tables.size() > area.size()) {
    return;
  }
  Place(area, kSmbiosOffset, LinkSmbios(smbios, static_cast<u32>(kBiosRomAddress + tables_offset)));
  Place(area, tables_offset, smbios.tables);
  const u64 mp_offset = AlignUp(tables_offset + smbios.tables.size(), 16);
  const Bytes mp = BuildMpTable(board, static_cast<u32>(kBiosRomAddress + mp_offset));
  if (mp_offset + mp.size() <= area.size()) {
    Place(area, mp_offset, mp);
  }
}

// What a BIOS leaves in its data area: base memory, and where the EBDA is.
Result<void> WriteBiosData(const GuestMemory& memory) {
  ByteWriter ebda_segment;
  ebda_segment.U16(kEbdaAddress >> 4).U16(0).U8(0).U16(kEbdaAddress / 1024);
  if (Result<void> done = memory.Write(0x40e, ebda_segment.bytes(), "BIOS data"); !done) {
    return done;
  }
  return memory.Write(kEbdaAddress, ByteWriter().U8(1).bytes(), "the EBDA");
}

Result<CpuEntry> LoadByKind(const BootRequest& boot) {
  const std::span<const std::byte> kernel = boot.files.kernel;
  if (BzImage::HasMagic(kernel)) {
    return LoadLinux(boot);
  }
  if (const std::optional<u64> header = FindMultibootHeader(kernel)) {
    return LoadMultiboot(boot, *header);
  }
  if (ElfImage::HasMagic(kernel)) {
    return LoadElf(boot);
  }
  return Fail("kernel '{}' is neither a Linux bzImage nor a PVH, Multiboot or vmlinux ELF file{}",
              boot.files.kernel_name, kernel.size() < 1024 ? " (it is too short)" : "");
}

}  // namespace

Result<KernelFiles> ReadKernelFiles(const std::string& kernel, const std::string& initrd,
                                    const std::string& command_line) {
  KernelFiles files;
  Result<Blob> image = ReadLargeFile(kernel, "kernel");
  if (!image) {
    return image.error();
  }
  files.kernel_name = kernel;
  files.kernel = *std::move(image);
  files.initrd_option = initrd;
  files.command_line = command_line;
  const bool takes_modules =
      !BzImage::HasMagic(files.kernel) && FindMultibootHeader(files.kernel).has_value();
  if (!initrd.empty() && !takes_modules) {
    Result<Blob> bytes = ReadLargeFile(initrd, "initrd");
    if (!bytes) {
      return bytes.error();
    }
    files.initrd = *std::move(bytes);
  }
  return files;
}

Result<u64> PlaceInitrd(const BootRequest& boot, u64 size, u64 last_byte, u64 floor) {
  const u64 end = std::min(boot.ram_end, last_byte + 1);
  if (size > end || AlignDown(end - size, 4096) < floor) {
    return Fail("initrd '{}' ({} bytes) does not fit in guest memory (use a larger -m)",
                boot.files.initrd_option, size);
  }
  return AlignDown(end - size, 4096);
}

Result<void> WriteCommandLine(const BootRequest& boot, u64 max) {
  const std::string& text = boot.files.command_line;
  max = std::min(max, kCommandLineMax - 1);
  if (text.size() > max) {
    return Fail("-append is longer ({} bytes) than kernel '{}' takes ({})", text.size(),
                boot.files.kernel_name, max);
  }
  return boot.memory.Write(kCommandLineAddress, ByteWriter().Text(text).U8(0).bytes(),
                           "the command line");
}

u64 RsdpAddress() { return kBiosRomAddress + kRsdpOffset; }

Result<DirectBoot> LoadKernel(std::shared_ptr<const devices::FlatView> view, const Board& board,
                              const KernelFiles& files) {
  if (board.ram_bytes < kMinimumRam) {
    return Fail("-kernel needs at least 2 MiB of guest memory");
  }
  const GuestMemory memory(std::move(view));
  const Linker acpi = BuildAcpi(board);
  const u64 acpi_size = AlignUp(acpi.files().at(kAcpiTablesFile).size(), 4096);
  const u64 acpi_address = board.LowRam() - acpi_size;
  const u64 rsdp_address = RsdpAddress();
  const auto linked = acpi.Link({{kAcpiTablesFile, acpi_address}, {kAcpiRsdpFile, rsdp_address}});
  if (Result<void> done = memory.Write(acpi_address, linked.at(kAcpiTablesFile), "ACPI tables");
      !done) {
    return done.error();
  }
  if (Result<void> done = WriteBiosData(memory); !done) {
    return done.error();
  }
  const BootRequest boot{memory, files, DirectBootMap(board, acpi_size), acpi_address,
                         rsdp_address};
  const Result<CpuEntry> entry = LoadByKind(boot);
  if (!entry) {
    return entry.error();
  }
  DirectBoot result{*entry, {}, Bytes(kBiosRomSize)};
  if (entry->kind == EntryKind::kMultiboot32) {
    if (Result<void> done = LeaveVectors(memory, result.bios_area); !done) {
      return done.error();
    }
    result.port_writes = BiosPortWrites();
  }
  Place(result.bios_area, kRsdpOffset, linked.at(kAcpiRsdpFile));
  PlaceTables(result.bios_area, board);
  if (memory.IsRam(kBiosRomAddress, kBiosRomSize)) {
    (void)memory.Write(kBiosRomAddress, result.bios_area, "the BIOS area");
  }
  return result;
}

}  // namespace tandem::firmware
