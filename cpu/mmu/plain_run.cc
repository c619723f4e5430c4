// How far around an address guest memory is plain host memory.
#include <algorithm>

#include "base/bits.h"
#include "cpu/mmu/mmu.h"

namespace tandem::cpu {
namespace {

constexpr u64 kSpace32 = u64{1} << 32;

bool Holds(Gpa start, u64 length, u64 address) { return address - start.value < length; }

}  // namespace

Mmu::Rights Mmu::FetchRights() const {
  const bool is_user = state_.cpl == 3;
  return {is_user ? kUserBank : kSupervisorBank, is_user, false};
}

// All that the guest page maps. Without paging that is the whole linear address space.
Mmu::Extent Mmu::PageExtent(Gva address, const PageInfo& info) const {
  if ((state_.cr0 & kCr0Pg) == 0 && address.value < kSpace32) {
    return {.linear = 0, .gpa = Gpa(0), .length = kSpace32};
  }
  const u64 start = AlignDown(address.value, info.page_size());
  const u64 page_in_extent = AlignDown(address.value, kPageSize) - start;
  return {
      .linear = start, .gpa = Gpa(info.gpa().value - page_in_extent), .length = info.page_size()};
}

// The part of the extent within the range; only the 4 KiB page where the APIC, or code that must
// not be written unseen, lies in it.
Mmu::Extent Mmu::Clip(Extent extent, Gva address, AccessKind kind,
                      const devices::FlatRange& range) const {
  const u64 first = std::max(extent.gpa.value, range.start.value);
  const u64 end = std::min(extent.gpa.value + extent.length, range.start.value + range.length);
  const u64 length = AlignDown(end - first, kPageSize);
  const bool is_whole = !Holds(Gpa(first), length, apic_page_) &&
                        (kind != AccessKind::kWrite || !code_.HoldsAnyCode(Gpa(first), length));
  if (is_whole) {
    return {extent.linear + (first - extent.gpa.value), Gpa(first), length};
  }
  const u64 page = AlignDown(address.value, kPageSize);
  return {page, extent.gpa + (page - extent.linear), kPageSize};
}

PlainRun Mmu::FindPlainRun(Gva address, u32 size, AccessKind kind) {
  const bool is_within_page = size <= kPageSize - address.value % kPageSize;
  if (UsesNeverBank() || HasWatchpoints() || !is_within_page) {
    return {};
  }
  const Rights rights = kind == AccessKind::kExecute ? FetchRights() : DataRights();
  Target target;
  if (Translate(rights, address, kind, target) || !target.is_plain) {
    return {};
  }
  const PageInfo info = (*pages_)[rights.bank][SlotOf(address)];
  const devices::FlatRange* range = RamRange(info.gpa());
  if (range == nullptr || (kind == AccessKind::kWrite && range->ram->dirty_logging())) {
    return {};
  }
  const Extent run = Clip(PageExtent(address, info), address, kind, *range);
  return {.linear = run.linear,
          .length = run.length,
          .addend = reinterpret_cast<u64>(target.host) - address.value,
          .is_global = info.is_global()};
}

// Halves the guest page until it is plain memory around the address.
u64 Mmu::PlainPageSize(Gva address, const PageInfo& info) {
  u64 size = info.page_size();
  const devices::FlatRange* range = size == kPageSize ? nullptr : RamRange(info.gpa());
  if (range == nullptr) {
    return kPageSize;
  }
  const u64 page = AlignDown(address.value, kPageSize);
  for (; size > kPageSize; size /= 2) {
    const Gpa start(info.gpa().value - page % size);
    const bool is_inside = start >= range->start && start - range->start <= range->length &&
                           size <= range->length - (start - range->start);
    if (is_inside && !Holds(start, size, apic_page_)) {
      break;
    }
  }
  return size;
}

Fault Mmu::Fetch(Gva address, CodePage& page) {
  const Rights rights = FetchRights();
  Target target;
  if (Fault fault = Translate(rights, address, AccessKind::kExecute, target)) {
    return fault;
  }
  page = CodePage{};
  if (!target.is_plain) {
    page.gpa = Gpa(AlignDown(target.gpa.value, kPageSize));
    page.host = target.host != nullptr ? target.host - address.value % kPageSize : nullptr;
    return Fault::None();
  }
  const PageInfo info = (*pages_)[rights.bank][SlotOf(address)];
  page.host = target.host - address.value % kPageSize;
  page.gpa = info.gpa();
  page.page_size = PlainPageSize(address, info);
  page.is_global = info.is_global();
  return Fault::None();
}

}  // namespace tandem::cpu
