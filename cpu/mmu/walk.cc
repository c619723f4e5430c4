#include "cpu/mmu/walk.h"

#include "base/bits.h"
#include "cpu/state/registers.h"

namespace tandem::cpu {
namespace {

constexpr u64 kPresent = 1u << 0;
constexpr u64 kWritable = 1u << 1;
constexpr u64 kUser = 1u << 2;
constexpr u64 kAccessed = 1u << 5;
constexpr u64 kDirty = 1u << 6;
constexpr u64 kLarge = 1u << 7;
constexpr u64 kGlobal = 1u << 8;
constexpr u64 kNoExecute = u64{1} << 63;
constexpr u64 kAddressBits = 0x000ffffffffff000;

// Page-fault error code. SDM Vol. 3, 4.7.
constexpr u32 kErrorPresent = 1u << 0;
constexpr u32 kErrorWrite = 1u << 1;
constexpr u32 kErrorUser = 1u << 2;
constexpr u32 kErrorReserved = 1u << 3;
constexpr u32 kErrorFetch = 1u << 4;
constexpr u32 kErrorKey = 1u << 5;

struct Entry {
  Gpa address;
  u64 value;
};

class Walker {
 public:
  Walker(const PagingState& paging, PageTableMemory& memory, Gva linear)
      : paging_(paging), memory_(memory), linear_(linear.value) {
    is_long_ = (paging.efer & kEferLma) != 0;
    is_wide_ = is_long_ || (paging.cr4 & kCr4Pae) != 0;
    entry_size_ = is_wide_ ? 8 : 4;
    index_bits_ = is_wide_ ? 9 : 10;
  }

  enum class End : u8 { kMapped, kNotPresent, kReserved };
  End Descend(bool checks_reserved);

  Gpa Address() const;
  u64 PageSizeInBytes() const { return u64{1} << PageShift(level_); }
  u32 Denial(const WalkAccess& access) const;  // error code bits; 0: allowed
  bool SetAccessed(bool is_write);
  bool IsDirty() const { return (leaf().value & kDirty) != 0; }
  // SDM Vol. 3, 4.10.2.4.
  bool IsGlobal() const { return (paging_.cr4 & kCr4Pge) != 0 && (leaf().value & kGlobal) != 0; }
  u32 FetchBit() const;

 private:
  const Entry& leaf() const { return entries_[count_ - 1]; }
  unsigned PageShift(unsigned level) const { return 12 + index_bits_ * (level - 1); }
  bool Start(u64& table);
  bool IsLeaf(u64 value) const;
  u64 ReservedBits(u64 value) const;
  u64 ReservedOf4M(u64 value) const;
  bool IsDeniedByRights(const WalkAccess& access) const;
  bool IsDeniedByKey(const WalkAccess& access) const;

  const PagingState& paging_;
  PageTableMemory& memory_;
  const u64 linear_;
  bool is_long_, is_wide_;
  u32 entry_size_;
  unsigned index_bits_;
  unsigned level_ = 0;
  unsigned count_ = 0;
  std::array<Entry, 5> entries_;
  u64 all_ = kWritable | kUser;  // of all entries
  u64 any_ = 0;
};

bool Walker::Start(u64& table) {
  if (is_long_) {
    level_ = (paging_.cr4 & kCr4La57) != 0 ? 5 : 4;
    table = paging_.cr3 & kAddressBits;
    return true;
  }
  level_ = 2;
  if (!is_wide_) {
    table = paging_.cr3 & 0xfffff000;
    return true;
  }
  const u64 pdpte = paging_.pdpte[(linear_ >> 30) & 3];
  table = pdpte & kAddressBits;
  return (pdpte & kPresent) != 0;
}

bool Walker::IsLeaf(u64 value) const {
  if (level_ == 1) {
    return true;
  }
  const bool can_be_large = is_wide_ ? level_ <= 3 : (paging_.cr4 & kCr4Pse) != 0;
  return can_be_large && (value & kLarge) != 0;
}

u64 Walker::ReservedOf4M(u64 value) const {
  if (level_ == 1 || !IsLeaf(value)) {
    return 0;
  }
  if (!paging_.has_pse36) {
    return 0x003fe000;
  }
  const unsigned high_bits = paging_.physical_address_bits - 32u;  // in entry bits 13 and up
  return high_bits >= 8 ? 0x00200000 : 0x003fe000 & ~(((u64{1} << high_bits) - 1) << 13);
}

u64 Walker::ReservedBits(u64 value) const {
  if (!is_wide_) {
    return ReservedOf4M(value);
  }
  u64 reserved = kAddressBits & ~((u64{1} << paging_.physical_address_bits) - 1);
  if ((paging_.efer & kEferNxe) == 0) {
    reserved |= kNoExecute;
  }
  if (!is_long_) {
    reserved |= 0x7ff0000000000000;
  }
  if (level_ >= 4 || (level_ == 3 && !paging_.has_1g_pages)) {
    reserved |= kLarge;
  } else if (level_ > 1 && (value & kLarge) != 0) {
    reserved |= ((u64{1} << PageShift(level_)) - 1) & ~u64{0x1fff};  // bit 12 is PAT
  }
  return reserved;
}

Walker::End Walker::Descend(bool checks_reserved) {
  u64 table = 0;
  if (!Start(table)) {
    return End::kNotPresent;
  }
  for (;; --level_) {
    const u64 index = (linear_ >> PageShift(level_)) & ((u64{1} << index_bits_) - 1);
    const Gpa address(table + index * entry_size_);
    const u64 value = memory_.Load(address, entry_size_);
    entries_[count_++] = {address, value};
    if ((value & kPresent) == 0) {
      return End::kNotPresent;
    }
    if (checks_reserved && (value & ReservedBits(value)) != 0) {
      return End::kReserved;
    }
    all_ &= value;
    any_ |= value;
    if (IsLeaf(value)) {
      return End::kMapped;
    }
    table = value & kAddressBits;
  }
}

Gpa Walker::Address() const {
  const u64 inside = linear_ & (PageSizeInBytes() - 1);
  u64 base = leaf().value & kAddressBits & ~(PageSizeInBytes() - 1);
  if (!is_wide_ && level_ == 2) {
    base |= BitsOf(leaf().value, 13, 8) << 32;  // PSE-36
  }
  return Gpa(base | inside);
}

bool Walker::IsDeniedByRights(const WalkAccess& access) const {
  const bool is_user_page = (all_ & kUser) != 0;
  if (access.kind == AccessKind::kExecute && is_wide_ && (any_ & kNoExecute) != 0) {
    return true;
  }
  if (access.is_user) {
    return !is_user_page || (access.kind == AccessKind::kWrite && (all_ & kWritable) == 0);
  }
  if (access.kind == AccessKind::kExecute) {
    return is_user_page && (paging_.cr4 & kCr4Smep) != 0;
  }
  if (is_user_page && (paging_.cr4 & kCr4Smap) != 0 && !access.ignores_smap) {
    return true;
  }
  const bool is_protected = (all_ & kWritable) == 0 && (paging_.cr0 & kCr0Wp) != 0;
  return access.kind == AccessKind::kWrite && is_protected;
}

bool Walker::IsDeniedByKey(const WalkAccess& access) const {
  const bool is_user_page = (all_ & kUser) != 0;
  const u64 enable = is_user_page ? kCr4Pke : kCr4Pks;
  const bool applies = is_long_ && (paging_.cr4 & enable) != 0 && (is_user_page || !access.is_user);
  if (!applies || access.kind == AccessKind::kExecute) {
    return false;
  }
  const u64 rights =
      (is_user_page ? paging_.pkru : paging_.pkrs) >> (2 * BitsOf(leaf().value, 59, 4));
  const bool obeys_write_disable = access.is_user || (paging_.cr0 & kCr0Wp) != 0;
  return (rights & 1) != 0 ||
         ((rights & 2) != 0 && access.kind == AccessKind::kWrite && obeys_write_disable);
}

u32 Walker::Denial(const WalkAccess& access) const {
  const bool by_key = IsDeniedByKey(access);
  if (!by_key && !IsDeniedByRights(access)) {
    return 0;
  }
  return kErrorPresent | (by_key ? kErrorKey : 0);
}

u32 Walker::FetchBit() const {
  const bool has_nx = is_wide_ && (paging_.efer & kEferNxe) != 0;
  return has_nx || (paging_.cr4 & kCr4Smep) != 0 ? kErrorFetch : 0;
}

// False: an entry was changed by someone else, the walk starts again.
bool Walker::SetAccessed(bool is_write) {
  for (unsigned i = 0; i < count_; ++i) {
    const bool is_leaf = i + 1 == count_;
    const u64 wanted = kAccessed | (is_leaf && is_write ? kDirty : 0);
    Entry& entry = entries_[i];
    if ((entry.value & wanted) == wanted) [[likely]] {
      continue;
    }
    if (!memory_.SetBits(entry.address, entry_size_, entry.value, wanted)) {
      return false;
    }
    entry.value |= wanted;
  }
  return true;
}

Fault PageFault(const Walker& walker, Gva linear, const WalkAccess& access, u32 cause) {
  u32 code = cause;
  code |= access.kind == AccessKind::kWrite ? kErrorWrite : 0;
  code |= access.is_user ? kErrorUser : 0;
  code |= access.kind == AccessKind::kExecute ? walker.FetchBit() : 0;
  return Fault::Page(code, linear.value);
}

Walk Finish(const Walker& walker, const WalkAccess& access) {
  Walk walk;
  walk.gpa = walker.Address();
  walk.page_size = walker.PageSizeInBytes();
  walk.is_global = walker.IsGlobal();
  const auto allows = [&](AccessKind kind) {
    return walker.Denial({kind, access.is_user, access.ignores_smap}) == 0;
  };
  walk.can_read = allows(AccessKind::kRead);
  walk.can_write = walker.IsDirty() && allows(AccessKind::kWrite);
  walk.can_execute = allows(AccessKind::kExecute);
  return walk;
}

}  // namespace

Walk WalkPageTables(const PagingState& paging, PageTableMemory& memory, Gva linear,
                    const WalkAccess& access) {
  for (;;) {
    Walker walker(paging, memory, linear);
    Walk walk;
    const Walker::End end = walker.Descend(true);
    if (end != Walker::End::kMapped) {
      const u32 cause = end == Walker::End::kReserved ? kErrorPresent | kErrorReserved : 0;
      walk.fault = PageFault(walker, linear, access, cause);
      return walk;
    }
    if (const u32 denial = walker.Denial(access)) {
      walk.fault = PageFault(walker, linear, access, denial);
      return walk;
    }
    if (walker.SetAccessed(access.kind == AccessKind::kWrite)) [[likely]] {
      return Finish(walker, access);
    }
  }
}

std::optional<Gpa> WalkQuietly(const PagingState& paging, PageTableMemory& memory, Gva linear) {
  Walker walker(paging, memory, linear);
  if (walker.Descend(false) != Walker::End::kMapped) {
    return std::nullopt;
  }
  return walker.Address();
}

}  // namespace tandem::cpu
