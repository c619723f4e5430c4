#include "firmware/smbios.h"

#include <fmt/format.h>

#include <initializer_list>

namespace tandem::firmware {
namespace {

// DSP0134, sections 5.2.1 and 7.
constexpr size_t kAnchorSize = 31;
constexpr size_t kIntermediateStart = 16;
constexpr u64 kMiB = u64{1} << 20;
constexpr u64 kLargestModule = u64{16} << 30;

// Collects structures, their count and the largest size for the entry point.
class StructureTable {
 public:
  // formatted: all behind the 4-byte header. Strings are numbered from 1 in it.
  void Add(u8 type, u16 handle, const ByteWriter& formatted,
           std::initializer_list<std::string> strings) {
    const size_t start = out_.size();
    out_.U8(type).U8(4 + formatted.size()).U16(handle).Raw(formatted.bytes());
    for (const std::string& text : strings) {
      out_.Text(text.empty() ? " " : text).U8(0);
    }
    out_.Zeros(strings.size() == 0 ? 2 : 1);
    largest_ = std::max(largest_, out_.size() - start);
    ++count_;
  }
  u16 count() const { return count_; }
  u16 largest() const { return static_cast<u16>(largest_); }
  Bytes Take() { return out_.Take(); }

 private:
  ByteWriter out_;
  u16 count_ = 0;
  size_t largest_ = 0;
};

void AddBios(StructureTable& table) {
  ByteWriter body;
  body.U8(1).U8(2).U16(0xe000).U8(3).U8(1).U64(1u << 7 | 1u << 11);  // PCI, flash upgradeable
  body.U8(0).U8(0x1c).U8(0).U8(0).U8(0xff).U8(0xff);  // ACPI no; targeted delivery, virtual machine
  table.Add(0, 0x000, body, {"Tandem", "1", "04/01/2014"});
}

void AddSystem(StructureTable& table, const Board& board) {
  ByteWriter body;
  body.U8(1).U8(2).U8(3).U8(0).Raw(std::as_bytes(std::span(board.uuid))).U8(6).U8(0).U8(0);
  table.Add(1, 0x100, body, {"Tandem", "Standard PC (i440FX + PIIX, 1996)", "pc"});
}

void AddChassis(StructureTable& table) {
  ByteWriter body;
  body.U8(1).U8(1).U8(0).U8(0).U8(0).U8(3).U8(3).U8(3).U8(2).U32(0).U8(0).U8(0).U8(0).U8(0).U8(0);
  table.Add(3, 0x300, body, {"Tandem"});
}

void AddProcessor(StructureTable& table, u32 id) {
  ByteWriter body;
  body.U8(1).U8(3).U8(1).U8(2).U64(0).U8(3).U8(0).U16(0).U16(2000).U16(2000).U8(0x41).U8(1);
  body.U16(0xffff).U16(0xffff).U16(0xffff).U8(0).U8(0).U8(0).U8(1).U8(1).U8(1).U16(0xc).U16(1);
  table.Add(4, static_cast<u16>(0x400 + id), body, {fmt::format("CPU {}", id), "Tandem"});
}

void AddMemoryArray(StructureTable& table, const Board& board, u16 modules) {
  ByteWriter body;
  const u64 kib = board.ram_bytes / 1024;
  const bool is_large = kib >= 0x80000000;
  body.U8(1).U8(3).U8(6).U32(is_large ? 0x80000000 : kib).U16(0xfffe).U16(modules);
  body.U64(is_large ? board.ram_bytes : 0);
  table.Add(16, 0x1000, body, {});
}

void AddMemoryModule(StructureTable& table, u16 index, u64 bytes) {
  const u64 mib = bytes / kMiB;
  ByteWriter body;
  body.U16(0x1000).U16(0xfffe).U16(0xffff).U16(0xffff).U16(mib < 0x7fff ? mib : 0x7fff);
  body.U8(9).U8(0).U8(1).U8(0).U8(7).U16(2).U16(0).U8(2).U8(0).U8(0).U8(0).U8(0);
  body.U32(mib < 0x7fff ? 0 : mib).U16(0).U16(0).U16(0).U16(0);
  table.Add(17, static_cast<u16>(0x1100 + index), body, {fmt::format("DIMM {}", index), "Tandem"});
}

void AddMemoryRange(StructureTable& table, u16 index, u64 start, u64 length) {
  ByteWriter body;
  const u64 end = start + length - 1;
  const bool is_high = end / 1024 >= 0xffffffff;
  body.U32(is_high ? 0xffffffff : start / 1024).U32(is_high ? 0xffffffff : end / 1024);
  body.U16(0x1000).U8(1).U64(is_high ? start : 0).U64(is_high ? end : 0);
  table.Add(19, static_cast<u16>(0x1300 + index), body, {});
}

void AddMemory(StructureTable& table, const Board& board) {
  const u16 modules = static_cast<u16>((board.ram_bytes + kLargestModule - 1) / kLargestModule);
  AddMemoryArray(table, board, modules);
  for (u16 i = 0; i < modules; ++i) {
    AddMemoryModule(table, i, std::min(kLargestModule, board.ram_bytes - i * kLargestModule));
  }
  AddMemoryRange(table, 0, 0, board.LowRam());
  if (board.HighRam() != 0) {
    AddMemoryRange(table, 1, k4GiB, board.HighRam());
  }
}

Bytes BuildAnchor(u16 largest, u16 length, u16 count) {
  ByteWriter out;
  out.Text("_SM_").U8(0).U8(kAnchorSize).U8(2).U8(8).U16(largest).U8(0).Zeros(5);
  out.Text("_DMI_").U8(0).U16(length).U32(0).U16(count).U8(0x28);
  return out.Take();
}

}  // namespace

Smbios BuildSmbios(const Board& board) {
  StructureTable table;
  AddBios(table);
  AddSystem(table, board);
  AddChassis(table);
  for (u32 id = 0; id < board.cpus && id < 256; ++id) {
    AddProcessor(table, id);
  }
  AddMemory(table, board);
  ByteWriter boot_status;
  table.Add(32, 0x2000, boot_status.Zeros(7), {});
  table.Add(127, 0x7f00, ByteWriter(), {});
  Smbios smbios;
  const u16 largest = table.largest();
  const u16 count = table.count();
  smbios.tables = table.Take();
  smbios.anchor = BuildAnchor(largest, static_cast<u16>(smbios.tables.size()), count);
  return smbios;
}

Bytes LinkSmbios(const Smbios& smbios, u32 address) {
  Bytes anchor = smbios.anchor;
  StoreLe<u32>(&anchor[24], address);
  anchor[21] = std::byte{0};
  anchor[21] = static_cast<std::byte>(ChecksumOf(std::span(anchor).subspan(kIntermediateStart)));
  anchor[4] = std::byte{0};
  anchor[4] = static_cast<std::byte>(ChecksumOf(anchor));
  return anchor;
}

}  // namespace tandem::firmware
