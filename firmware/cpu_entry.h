#pragma once

#include "base/ints.h"
#include "firmware/guest_memory.h"

namespace tandem::firmware {

enum class EntryKind : u8 {
  kResetVector,  // as the hardware starts; nothing else below counts
  kLinux64,      // long mode, rsi = boot_params
  kLinux32,      // protected mode, paging off, esi = boot_params
  kPvh32,        // as kLinux32, ebx = hvm_start_info
  kMultiboot32,  // as kLinux32, eax = 0x2badb002, ebx = Multiboot information
};

// A segment register with its hidden part. attributes are bits 40-55 of the descriptor: type, S,
// DPL, P in bits 0-7, AVL, L, D/B, G in bits 12-15. limit is in bytes.
struct EntrySegment {
  u16 selector = 0;
  u64 base = 0;
  u32 limit = 0;
  u16 attributes = 0;
};

// What the boot processor starts with. Registers not named are zero; rflags is 2 (interrupts off);
// the IDT is empty (limit 0) and LDTR is null.
struct CpuEntry {
  EntryKind kind = EntryKind::kResetVector;
  u64 rip = 0;
  u64 rax = 0;
  u64 rbx = 0;
  u64 rsi = 0;
  u64 rsp = 0;
  u64 cr0 = 0;
  u64 cr3 = 0;
  u64 cr4 = 0;
  u64 efer = 0;
  u64 gdt_base = 0;
  u16 gdt_limit = 0;
  EntrySegment code;
  EntrySegment data;  // DS, ES, SS, FS and GS
  EntrySegment task;  // a busy TSS, as VMX and Multiboot ask for a usable TR
};

// Flat segments 0x10 and 0x18 (Linux boot protocol, "32-bit boot protocol"), with the GDT written.
Result<CpuEntry> MakeProtectedEntry(const GuestMemory& memory, EntryKind kind, u64 rip);
// The same in 64-bit mode with the first 4 GiB mapped one to one by 2 MiB pages.
Result<CpuEntry> MakeLongModeEntry(const GuestMemory& memory, u64 rip);

}  // namespace tandem::firmware
