// What invalidates cached translations, and how much is kept. SDM Vol. 3, 4.10.4.
//
// The user bank keeps the entries of several PCIDs, each under a generation of its own. The
// supervisor banks hold those of the current PCID and the global ones: with each change of CR3 the
// slots of the former are emptied.
#include <algorithm>
#include <bit>

#include "base/bits.h"
#include "cpu/mmu/mmu.h"

namespace tandem::cpu {
namespace {

constexpr u64 kGenerations = 4095;  // 0xfff is left to kNoTag
constexpr u64 kSize4M = u64{1} << 22;
constexpr u64 kSize1G = u64{1} << 30;

bool IsInRegion(const TlbEntry& entry, u64 region, u64 size) {
  return AlignDown(entry.read_tag, size) == region || AlignDown(entry.write_tag, size) == region ||
         AlignDown(entry.execute_tag, size) == region;
}

}  // namespace

u16 Mmu::CurrentPcid() const {
  return (state_.cr4 & kCr4Pcide) != 0 ? static_cast<u16>(state_.cr3 & 0xfff) : u16{0};
}

void Mmu::FlushAll() {
  ++flush_count_;
  ++global_flush_count_;
  large_4m_.Clear();
  large_1g_.Clear();
  pcids_.Clear();
  RenewUserBank();
  for (const TlbBankIndex bank : {kSupervisorBank, kSupervisorAcBank}) {
    RenewBank(bank);
    tlb_.local_slots[bank].fill(0);
  }
  if (observer_ != nullptr) {
    observer_->OnFlushAll();
  }
}

// A generation none of the bank's entries has. False: to get one, all of them were dropped.
bool Mmu::RenewBank(TlbBankIndex bank) {
  const bool is_left = ++newest_generations_[bank] < kGenerations;
  if (!is_left) {
    newest_generations_[bank] = 0;
    tlb_.banks[bank].fill(kNoEntry);
  }
  tlb_.generations[bank] = newest_generations_[bank];
  return is_left;
}

void Mmu::RenewUserBank() {
  if (!RenewBank(kUserBank)) {
    pcids_.Clear();
    ++global_flush_count_;  // generations come again from here on
  }
  pcids_.Set(CurrentPcid(), tlb_.generations[kUserBank]);
}

void Mmu::DropLocalSupervisorEntries() {
  for (const TlbBankIndex bank : {kSupervisorBank, kSupervisorAcBank}) {
    for (size_t word = 0; word < tlb_.local_slots[bank].size(); ++word) {
      for (u64 left = tlb_.local_slots[bank][word]; left != 0; left &= left - 1) {
        tlb_.banks[bank][64 * word + static_cast<size_t>(std::countr_zero(left))] = kNoEntry;
      }
      tlb_.local_slots[bank][word] = 0;
    }
  }
}

void Mmu::FlushNonGlobal() {
  RenewUserBank();
  DropLocal();
}

// What the user bank shows is settled.
void Mmu::DropLocal() {
  ++flush_count_;
  DropLocalSupervisorEntries();
  if (observer_ != nullptr) {
    observer_->OnFlushLocal();
  }
}

void Mmu::Cr3Loaded(bool keeps_pcid) {
  const std::optional<u64> kept = keeps_pcid ? pcids_.Use(CurrentPcid()) : std::nullopt;
  if (!kept) {
    FlushNonGlobal();
    return;
  }
  tlb_.generations[kUserBank] = *kept;
  DropLocal();
}

void Mmu::FlushPcid(u16 pcid) {
  if (pcid == CurrentPcid()) {
    FlushNonGlobal();
  } else {
    pcids_.Forget(pcid);
  }
}

void Mmu::FlushPageOfPcid(u16 pcid, Gva address) {
  if (pcid == CurrentPcid()) {
    FlushPage(address);
  } else {
    pcids_.Forget(pcid);
  }
}

void Mmu::FlushAllPcids() {
  pcids_.Clear();
  FlushNonGlobal();
}

// Empties the page's slot whatever the PCID and rights of what is in it.
void Mmu::FlushPage(Gva address) {
  ++flush_count_;
  const u64 size = std::max(LargePageSizeAround(address), kPageSize);
  const Gva start(AlignDown(address.value, size));
  DropPageEntries(address, start, size);
  if (size == kSize1G) {
    DropPages(start, size, large_1g_.Take(start.value / size));
  } else if (size == kSize4M) {
    DropPages(start, size, large_4m_.Take(start.value / size));
  }
  if (observer_ != nullptr) {
    observer_->OnFlushRegion(start.value, size);
  }
}

// Entries in the page's slots that belong to the region.
void Mmu::DropPageEntries(Gva page, Gva region, u64 size) {
  for (TlbBank& bank : tlb_.banks) {
    TlbEntry& entry = bank[SlotOf(page)];
    if (size == kPageSize || IsInRegion(entry, region.value, size)) {
      entry = kNoEntry;
    }
  }
}

template <typename Pages>
void Mmu::DropPages(Gva region, u64 size, const Pages& pages) {
  const u64 count = std::min<u64>(u64{pages.last} - pages.first + 1, kTlbEntries);
  for (u64 i = 0; i < count; ++i) {
    DropPageEntries(region + (pages.first + i) * kPageSize, region, size);
  }
}

void Mmu::NoteLargePage(Gva address, u64 page_size) {
  if (page_size == kPageSize) [[likely]] {
    return;
  }
  const auto page_in = [&](u64 size) { return static_cast<u32>(address.value % size / kPageSize); };
  page_size == kSize1G ? large_1g_.Add(address.value / kSize1G, page_in(kSize1G))
                       : large_4m_.Add(address.value / kSize4M, page_in(kSize4M));
}

// How much to drop with the page at the address so that a large page goes as a whole; 0: none can
// be there.
u64 Mmu::LargePageSizeAround(Gva address) {
  if (large_1g_.MayHold(address.value / kSize1G)) {
    return kSize1G;
  }
  return large_4m_.MayHold(address.value / kSize4M) ? kSize4M : 0;
}

void Mmu::NoteDroppedWrites() {
  ++write_drop_count_;
  if (observer_ != nullptr) {
    observer_->OnDropWrites();
  }
}

void Mmu::DropWriteTags(Gpa page) {
  const Gpa wanted(AlignDown(page.value, kPageSize));
  for (size_t bank = 0; bank < kBankCount; ++bank) {
    for (size_t i = 0; i < kTlbEntries; ++i) {
      if ((*pages_)[bank][i].gpa() == wanted) {
        tlb_.banks[bank][i].write_tag = kNoTag;
      }
    }
  }
  NoteDroppedWrites();
}

void Mmu::DropWriteTagsOfHost(const std::byte* page) {
  const u64 wanted = reinterpret_cast<u64>(page);
  for (TlbBank& bank : tlb_.banks) {
    for (TlbEntry& entry : bank) {
      if (AlignDown(entry.write_tag, kPageSize) + entry.addend == wanted) {
        entry.write_tag = kNoTag;
      }
    }
  }
  NoteDroppedWrites();
}

void Mmu::DropAllWriteTags() {
  for (TlbBank& bank : tlb_.banks) {
    for (TlbEntry& entry : bank) {
      entry.write_tag = kNoTag;
    }
  }
  NoteDroppedWrites();
}

}  // namespace tandem::cpu
