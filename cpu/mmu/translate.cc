// From linear addresses to host memory: TLB look-up, page walk, TLB fill.
#include "base/bits.h"
#include "cpu/mmu/canonical.h"
#include "cpu/mmu/mmu.h"

namespace tandem::cpu {
namespace {

constexpr u64 TlbEntry::*TagOf(AccessKind kind) {
  switch (kind) {
    case AccessKind::kRead:
      return &TlbEntry::read_tag;
    case AccessKind::kWrite:
      return &TlbEntry::write_tag;
    case AccessKind::kExecute:
      break;
  }
  return &TlbEntry::execute_tag;
}

}  // namespace

// From a table: put together byte by byte, they would be read back before they are written.
Mmu::Rights Mmu::DataRights() const {
  static constexpr Rights kUser{kUserBank, true, false};
  static constexpr Rights kSupervisor{kSupervisorBank, false, false};
  static constexpr Rights kIgnoresSmap{kSupervisorAcBank, false, true};
  if (state_.cpl == 3) {
    return kUser;
  }
  const bool ignores_smap = (state_.cr4 & kCr4Smap) != 0 && (state_.rflags & kFlagAc) != 0;
  return ignores_smap ? kIgnoresSmap : kSupervisor;
}

PagingState Mmu::Paging() const {
  return {.cr0 = state_.cr0,
          .cr3 = state_.cr3,
          .cr4 = state_.cr4,
          .efer = state_.msr.efer,
          .pkru = state_.pkru,
          .pkrs = static_cast<u32>(state_.msr.pkrs),
          .pdpte = state_.pdpte,
          .physical_address_bits = model_.physical_address_bits,
          .has_1g_pages = model_.Has(Feature::kPdpe1gb),
          .has_pse36 = model_.Has(Feature::kPse36)};
}

Fault Mmu::Translate(const Rights& rights, Gva address, AccessKind kind, Target& target) {
  const TlbEntry& entry = tlb_.banks[rights.bank][SlotOf(address)];
  const u64 tag = AlignDown(address.value, kPageSize) | tlb_.generations[rights.bank];
  if (entry.*TagOf(kind) == tag) {
    target = {.host = reinterpret_cast<std::byte*>(address.value + entry.addend),
              .gpa = {},
              .range = nullptr,
              .is_plain = true,
              .is_apic = false};
    return Fault::None();
  }
  return TranslateMiss(rights, address, kind, target);
}

Fault Mmu::WalkOrIdentity(const Rights& rights, Gva address, AccessKind kind, Walk& walk) {
  if ((state_.cr0 & kCr0Pg) == 0) {
    walk.gpa = Gpa(address.value & 0xffffffff);
    walk.can_read = walk.can_write = walk.can_execute = true;
    return Fault::None();
  }
  if (state_.InLongMode() && !IsCanonical(address.value, (state_.cr4 & kCr4La57) != 0)) {
    return Fault::Gp();
  }
  walk = WalkPageTables(Paging(), tables_, address, {kind, rights.is_user, rights.ignores_smap});
  return walk.fault;
}

Fault Mmu::TranslateMiss(const Rights& rights, Gva address, AccessKind kind, Target& target) {
  Walk walk;
  if (Fault fault = WalkOrIdentity(rights, address, kind, walk)) {
    return fault;
  }
  target = Target{};
  target.gpa = walk.gpa;
  Resolve(walk, target);
  if (target.range != nullptr) {
    Fill(rights, address, walk, target, kind);
  }
  return Fault::None();
}

// The RAM or ROM that backs the whole page, or null.
const devices::FlatRange* Mmu::RamRange(Gpa page) {
  if (last_range_ == nullptr || page.value - last_range_->start.value >= last_range_->length) {
    last_range_ = view_->Find(page);
  }
  const devices::FlatRange* range = last_range_;
  const bool is_backed =
      range != nullptr && range->ram && range->length - (page - range->start) >= kPageSize;
  return is_backed ? range : nullptr;
}

void Mmu::Resolve(const Walk& walk, Target& target) {
  const Gpa page(AlignDown(walk.gpa.value, kPageSize));
  if (page.value == apic_page_) {
    target.is_apic = true;
    return;
  }
  const devices::FlatRange* range = RamRange(page);
  if (range != nullptr) {
    target.range = range;
    target.host = range->ram->data() + range->offset + (walk.gpa - range->start);
  }
}

void Mmu::Fill(const Rights& rights, Gva address, const Walk& walk, Target& target,
               AccessKind kind) {
  const size_t slot = SlotOf(address);
  const u64 tag = AlignDown(address.value, kPageSize) | tlb_.generations[rights.bank];
  const Gpa page(AlignDown(walk.gpa.value, kPageSize));
  const devices::FlatRange& range = *target.range;
  const bool is_watched = HasWatchpoints() && PageIsWatched(address);
  const bool takes_writes = walk.can_write && range.writable && !is_watched &&
                            !code_.HoldsCode(page) &&
                            !range.ram->HasCode(range.offset + (page - range.start)) &&
                            (kind == AccessKind::kWrite || !range.ram->dirty_logging());
  if (takes_writes) {
    range.ram->MarkDirty(range.offset + (page - range.start), kPageSize);
  }
  TlbEntry& entry = tlb_.banks[rights.bank][slot];
  entry.read_tag = walk.can_read && !is_watched ? tag : kNoTag;
  entry.write_tag = takes_writes ? tag : kNoTag;
  entry.execute_tag = walk.can_execute ? tag : kNoTag;
  entry.addend = reinterpret_cast<u64>(target.host) - address.value;
  (*pages_)[rights.bank][slot] = {page, walk.page_size, walk.is_global};
  NoteLocality(rights.bank, slot, walk.is_global);
  NoteLargePage(address, walk.page_size);
  target.is_plain = entry.*TagOf(kind) == tag;
  if (kind == AccessKind::kWrite && !range.writable) {
    target.host = nullptr;
  }
}

void Mmu::NoteLocality(TlbBankIndex bank, size_t slot, bool is_global) {
  const u64 bit = u64{1} << (slot % 64);
  u64& word = tlb_.local_slots[bank][slot / 64];
  word = is_global ? word & ~bit : word | bit;
}

bool Mmu::DebugTranslate(Gva address, Gpa& result) const {
  if ((state_.cr0 & kCr0Pg) == 0) {
    result = Gpa(address.value & 0xffffffff);
    return true;
  }
  PageTableMemory tables(*view_);
  const std::optional<Gpa> gpa = WalkQuietly(Paging(), tables, address);
  result = gpa.value_or(Gpa());
  return gpa.has_value();
}

}  // namespace tandem::cpu
