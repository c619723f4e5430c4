#pragma once

#include <array>
#include <optional>

#include "cpu/mmu/access_kind.h"
#include "cpu/mmu/page_table_memory.h"
#include "cpu/state/fault.h"
#include "devices/bus/address.h"

namespace tandem::cpu {

// Everything outside the page tables that decides a translation.
struct PagingState {
  u64 cr0 = 0, cr3 = 0, cr4 = 0, efer = 0;
  u32 pkru = 0, pkrs = 0;
  std::array<u64, 4> pdpte{};  // PAE paging
  u8 physical_address_bits = 36;
  bool has_1g_pages = false;
  bool has_pse36 = false;
};

struct WalkAccess {
  AccessKind kind = AccessKind::kRead;
  bool is_user = false;
  bool ignores_smap = false;  // an explicit supervisor access with EFLAGS.AC = 1
};

// A finished page walk. Where fault is raised, only that is valid.
struct Walk {
  Fault fault;
  Gpa gpa;
  u64 page_size = 4096;
  bool is_global = false;
  // What the same privilege may do without another walk; can_write only where D is set already.
  bool can_read = false, can_write = false, can_execute = false;
};

// Translates with paging enabled (CR0.PG) in any of the four modes; sets accessed and dirty bits
// only where the access is allowed. SDM Vol. 3, 4.3-4.8. The address is canonical, or below 4 GiB
// outside long mode.
Walk WalkPageTables(const PagingState& paging, PageTableMemory& memory, Gva linear,
                    const WalkAccess& access);

// The same without rights, reserved bits and accessed bits: nothing where no page is mapped.
std::optional<Gpa> WalkQuietly(const PagingState& paging, PageTableMemory& memory, Gva linear);

}  // namespace tandem::cpu
