#include <fstream>
#include <set>

#include "firmware/acpi.h"
#include "firmware/e820.h"
#include "firmware/fw_cfg_items.h"
#include "firmware/guest/images.h"
#include "firmware/mptable.h"
#include "firmware/rom.h"
#include "firmware/smbios.h"
#include "tests/unit/firmware/test_board.h"

namespace tandem::firmware {
namespace {

constexpr u64 kTables = 0x7f00000;

TEST_CASE("acpi: every table that the RSDT names has a right checksum") {
  Board board;
  board.cpus = 4;
  const auto linked = BuildAcpi(board).Link({{kAcpiTablesFile, kTables}, {kAcpiRsdpFile, 0xe0000}});
  const Bytes& rsdp = linked.at(kAcpiRsdpFile);
  CHECK_EQ(ChecksumOf(std::span(rsdp).first(20)), 0);
  CHECK_EQ(ChecksumOf(rsdp), 0);
  const std::byte* tables = linked.at(kAcpiTablesFile).data();
  const std::byte* rsdt = tables + (LoadLe<u32>(&rsdp[16]) - kTables);
  REQUIRE_EQ(std::memcmp(rsdt, "RSDT", 4), 0);
  std::set<std::string> names;
  for (u32 at = 36; at < LoadLe<u32>(rsdt + 4); at += 4) {
    const std::byte* table = tables + (LoadLe<u32>(rsdt + at) - kTables);
    names.insert(std::string(reinterpret_cast<const char*>(table), 4));
    CHECK_EQ(ChecksumOf({table, LoadLe<u32>(table + 4)}), 0);
  }
  CHECK_EQ(names, std::set<std::string>{"APIC", "FACP", "HPET", "SSDT", "WAET"});
}

TEST_CASE("acpi: the FADT is the size of its revision and leads to DSDT and FACS") {
  const auto linked = BuildAcpi(Board()).Link({{kAcpiTablesFile, kTables}, {kAcpiRsdpFile, 0}});
  const Bytes& tables = linked.at(kAcpiTablesFile);
  size_t fadt = 0;
  while (std::memcmp(&tables[fadt], "FACP", 4) != 0) {
    fadt += 16;
  }
  CHECK_EQ(LoadLe<u32>(&tables[fadt + 4]), 244);
  CHECK_EQ(std::memcmp(&tables[LoadLe<u32>(&tables[fadt + 40]) - kTables], "DSDT", 4), 0);
  CHECK_EQ(std::memcmp(&tables[LoadLe<u32>(&tables[fadt + 36]) - kTables], "FACS", 4), 0);
  CHECK_EQ(LoadLe<u32>(&tables[fadt + 76]), 0x608);
  CHECK_EQ(LoadLe<u64>(&tables[fadt + 208 + 4]), 0x608);
  CHECK_EQ(LoadLe<u64>(&tables[fadt + 116 + 4]), 0xcf9);
}

TEST_CASE("acpi: the loader script is made of 128-byte commands that start with allocations") {
  const Linker linker = BuildAcpi(Board());
  CHECK_EQ(linker.script().size() % 128, 0);
  CHECK_EQ(LoadLe<u32>(linker.script().data()), 1);
}

TEST_CASE("e820: memory beyond 3 GiB moves above 4 GiB") {
  Board board;
  board.ram_bytes = u64{5} << 30;
  CHECK_EQ(FirmwareMap(board), std::vector<E820Entry>{{0, 0xc0000000, E820Type::kRam},
                                                      {k4GiB, u64{2} << 30, E820Type::kRam}});
}

TEST_CASE("e820: the map for direct boot has no overlaps") {
  Board board;
  board.ram_bytes = u64{5} << 30;
  u64 end = 0;
  for (const E820Entry& entry : DirectBootMap(board, 0x4000)) {
    CHECK_GE(entry.start, end);
    end = entry.start + entry.length;
  }
}

TEST_CASE("smbios: both checksums of the entry point are right") {
  Board board;
  board.ram_bytes = u64{40} << 30;
  const Bytes anchor = LinkSmbios(BuildSmbios(board), 0xf0020);
  REQUIRE_EQ(anchor.size(), 31);
  CHECK_EQ(ChecksumOf(anchor), 0);
  CHECK_EQ(ChecksumOf(std::span(anchor).subspan(16)), 0);
}

TEST_CASE("smbios: walking the structures ends at type 127 with the stated count") {
  const Smbios smbios = BuildSmbios(Board());
  size_t at = 0;
  int count = 0;
  u8 type = 0;
  while (type != 127) {
    type = static_cast<u8>(smbios.tables.at(at));
    at += static_cast<u8>(smbios.tables.at(at + 1));
    while (LoadLe<u16>(&smbios.tables.at(at)) != 0) {
      ++at;
    }
    at += 2;
    ++count;
  }
  CHECK_EQ(at, smbios.tables.size());
  CHECK_EQ(count, LoadLe<u16>(&smbios.anchor[28]));
}

TEST_CASE("mp table: pointer and table have right checksums") {
  Board board;
  board.cpus = 2;
  const Bytes table = BuildMpTable(board, 0xf1000);
  CHECK_EQ(ChecksumOf(std::span(table).first(16)), 0);
  CHECK_EQ(ChecksumOf(std::span(table).subspan(16)), 0);
  CHECK_EQ(LoadLe<u16>(&table[20]) + 16u, table.size());
}

TEST_CASE("direct boot: the BIOS area shows RSDP and SMBIOS where kernels look") {
  TestBoard machine(64);
  KernelFiles files;
  files.kernel = SmallBzImage();
  const auto boot = LoadKernel(machine.space.View(), machine.board, files);
  REQUIRE(boot.ok());
  REQUIRE_EQ(boot->bios_area.size(), 0x20000);
  CHECK_EQ(std::memcmp(boot->bios_area.data(), "RSD PTR ", 8), 0);
  CHECK_EQ(std::memcmp(&boot->bios_area[0x10000], "_SM_", 4), 0);
}

TEST_CASE("fw_cfg: the boot ROM's checksum is right and its kernel parts add up") {
  KernelFiles files;
  files.kernel = SmallBzImage();
  files.command_line = std::string("a");
  const auto items = KernelFwCfgItems(Board(), files);
  REQUIRE(items.ok());
  const FwCfgItem& rom = items->back();
  CHECK_EQ(std::get<std::string>(rom.name), "genroms/linuxboot.bin");
  CHECK_EQ(rom.bytes.size() % 512, 0);
  CHECK_EQ(static_cast<u8>(rom.bytes[2]) * 512u, rom.bytes.size());
  CHECK_EQ(ChecksumOf(rom.bytes), 0);
}

TEST_CASE("rom: odd, empty and missing images and directories are errors that name the file") {
  const std::string folder = getenv("TEST_TMPDIR");
  std::ofstream(folder + "/odd.bin") << "123";
  std::ofstream(folder + "/empty.bin").flush();
  for (const char* name : {"/odd.bin", "/empty.bin", "/missing.bin", ""}) {
    const auto rom = LoadBiosRom(folder + name);
    REQUIRE_FALSE(rom.ok());
    CHECK_NE(rom.error().message.find(folder + name), std::string::npos);
  }
  std::ofstream(folder + "/good.bin") << std::string(65536, 'x');
  CHECK_EQ((*LoadBiosRom(folder + "/good.bin"))->size(), 65536);
}

}  // namespace
}  // namespace tandem::firmware
