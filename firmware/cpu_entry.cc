#include "firmware/cpu_entry.h"

#include "firmware/bytes.h"
#include "firmware/layout.h"

namespace tandem::firmware {
namespace {

constexpr u64 kCr0ProtectedMode = 0x11;  // ET, PE
constexpr u64 kCr0Paging = u64{1} << 31;
constexpr u64 kCr4Pae = 1u << 5;
constexpr u64 kEferLongModeActive = 0x500;  // LME, LMA
constexpr u64 kPresentWritable = 0x3;
constexpr u64 kLargePage = 0x80;
constexpr u64 kStackTop = 0x9000;  // below the page tables, above boot_params

constexpr u16 kCode32 = 0xc09b;  // G, D, present, execute and read, accessed
constexpr u16 kCode64 = 0xa09b;  // G, L
constexpr u16 kData = 0xc093;    // G, B, present, read and write, accessed
constexpr u16 kBusyTss = 0x008b;

// Only flat 4 GiB segments and the empty TSS: limit 0xfffff pages, or 0x67 bytes.
u64 Descriptor(u16 attributes, u64 limit) {
  return (limit & 0xffff) | u64{attributes & 0xffu} << 40 | (limit >> 16 & 0xf) << 48 |
         u64{attributes & 0xf000u} << 40;
}

Result<void> WriteGdt(const GuestMemory& memory, u16 code_attributes) {
  ByteWriter gdt;
  gdt.U64(0).U64(0);
  gdt.U64(Descriptor(code_attributes, 0xfffff));
  gdt.U64(Descriptor(kData, 0xfffff));
  gdt.U64(Descriptor(kBusyTss, 0x67)).U64(0);
  return memory.Write(kGdtAddress, gdt.bytes(), "the boot GDT");
}

Result<void> WritePageTables(const GuestMemory& memory) {
  ByteWriter tables;
  tables.U64((kPageTablesAddress + 0x1000) | kPresentWritable).Zeros(0xff8);
  for (u64 i = 0; i < 4; ++i) {
    tables.U64((kPageTablesAddress + 0x2000 + i * 0x1000) | kPresentWritable);
  }
  tables.Zeros(0x1000 - 32);
  for (u64 page = 0; page < 4 * 512; ++page) {
    tables.U64(page << 21 | kLargePage | kPresentWritable);
  }
  return memory.Write(kPageTablesAddress, tables.bytes(), "the boot page tables");
}

CpuEntry FlatEntry(EntryKind kind, u64 rip, u16 code_attributes) {
  CpuEntry entry;
  entry.kind = kind;
  entry.rip = rip;
  entry.rsp = kStackTop;
  entry.cr0 = kCr0ProtectedMode;
  entry.gdt_base = kGdtAddress;
  entry.gdt_limit = 6 * 8 - 1;
  entry.code = {0x10, 0, 0xffffffff, code_attributes};
  entry.data = {0x18, 0, 0xffffffff, kData};
  entry.task = {0x20, 0, 0x67, kBusyTss};
  return entry;
}

}  // namespace

Result<CpuEntry> MakeProtectedEntry(const GuestMemory& memory, EntryKind kind, u64 rip) {
  if (Result<void> written = WriteGdt(memory, kCode32); !written) {
    return written.error();
  }
  return FlatEntry(kind, rip, kCode32);
}

Result<CpuEntry> MakeLongModeEntry(const GuestMemory& memory, u64 rip) {
  if (Result<void> written = WriteGdt(memory, kCode64); !written) {
    return written.error();
  }
  if (Result<void> written = WritePageTables(memory); !written) {
    return written.error();
  }
  CpuEntry entry = FlatEntry(EntryKind::kLinux64, rip, kCode64);
  entry.cr0 |= kCr0Paging;
  entry.cr3 = kPageTablesAddress;
  entry.cr4 = kCr4Pae;
  entry.efer = kEferLongModeActive;
  return entry;
}

}  // namespace tandem::firmware
