// Accesses that miss the TLB, cross a page, or concern more than plain memory.
#include <algorithm>

#include "base/bits.h"
#include "cpu/mmu/canonical.h"
#include "cpu/mmu/mmu.h"

namespace tandem::cpu {
namespace {

u64 LeftInPage(Gva address) { return kPageSize - address.value % kPageSize; }

// Other processors see an aligned access of these sizes whole or not at all.
void Copy(std::byte* to, const std::byte* from, size_t size) {
  switch (size) {
    case 1:
      *to = *from;
      break;
    case 2:
      std::memcpy(to, from, 2);
      break;
    case 4:
      std::memcpy(to, from, 4);
      break;
    case 8:
      std::memcpy(to, from, 8);
      break;
    default:
      std::memcpy(to, from, size);
  }
}

}  // namespace

Fault Mmu::ReadSlow(Gva address, std::span<std::byte> bytes) {
  if (Fault fault = CheckAlignment(address, bytes.size())) {
    return fault;
  }
  if (Fault fault = ReadAs(DataRights(), address, bytes)) {
    return fault;
  }
  if (HasWatchpoints()) [[unlikely]] {
    MatchWatchpoints(address, bytes.size(), AccessKind::kRead);
  }
  return Fault::None();
}

Fault Mmu::WriteSlow(Gva address, std::span<const std::byte> bytes) {
  if (Fault fault = CheckAlignment(address, bytes.size())) {
    return fault;
  }
  if (Fault fault = WriteAs(DataRights(), address, bytes)) {
    return fault;
  }
  if (HasWatchpoints()) [[unlikely]] {
    MatchWatchpoints(address, bytes.size(), AccessKind::kWrite);
  }
  return Fault::None();
}

Fault Mmu::ReadSystem(Gva address, std::span<std::byte> bytes) {
  return ReadAs({kSupervisorBank, false, false}, address, bytes);
}

Fault Mmu::WriteSystem(Gva address, std::span<const std::byte> bytes) {
  return WriteAs({kSupervisorBank, false, false}, address, bytes);
}

Fault Mmu::ReadAs(const Rights& rights, Gva address, std::span<std::byte> bytes) {
  if (bytes.size() > LeftInPage(address)) [[unlikely]] {
    // A device must not be read where a later page faults.
    if (Fault fault = ProbeAs(rights, address, bytes.size(), AccessKind::kRead)) {
      return fault;
    }
  }
  while (!bytes.empty()) {
    const u64 part = std::min<u64>(bytes.size(), LeftInPage(address));
    Target target;
    if (Fault fault = Translate(rights, address, AccessKind::kRead, target)) {
      return fault;
    }
    ReadTarget(target, bytes.first(part));
    bytes = bytes.subspan(part);
    address = NextPage(address);
  }
  return Fault::None();
}

Fault Mmu::WriteAs(const Rights& rights, Gva address, std::span<const std::byte> bytes) {
  if (bytes.size() > LeftInPage(address)) [[unlikely]] {
    if (Fault fault = ProbeAs(rights, address, bytes.size(), AccessKind::kWrite)) {
      return fault;
    }
  }
  while (!bytes.empty()) {
    const u64 part = std::min<u64>(bytes.size(), LeftInPage(address));
    Target target;
    if (Fault fault = Translate(rights, address, AccessKind::kWrite, target)) {
      return fault;
    }
    WriteTarget(target, bytes.first(part));
    bytes = bytes.subspan(part);
    address = NextPage(address);
  }
  return Fault::None();
}

// An access that ends in the hole of addresses is none, whatever its first page is.
Fault Mmu::ProbeAs(const Rights& rights, Gva address, u64 length, AccessKind kind) {
  if (state_.InLongMode() && length > LeftInPage(address) &&
      !IsCanonical(address.value + length - 1, (state_.cr4 & kCr4La57) != 0)) {
    return Fault::Gp();
  }
  while (length != 0) {
    Target target;
    if (Fault fault = Translate(rights, address, kind, target)) {
      return fault;
    }
    length -= std::min(length, LeftInPage(address));
    address = NextPage(address);
  }
  return Fault::None();
}

Fault Mmu::Probe(Gva address, u64 length, AccessKind kind) {
  return ProbeAs(DataRights(), address, length, kind);
}

// The first byte of the page behind the address's; outside 64-bit mode addresses wrap at 4 GiB.
Gva Mmu::NextPage(Gva address) const {
  const u64 next = AlignDown(address.value, kPageSize) + kPageSize;
  const bool wraps = next == u64{1} << 32 && !state_.In64BitMode();
  return Gva(wraps ? 0 : next);
}

Fault Mmu::CheckAlignment(Gva address, u64 size) const {
  const bool is_checked = UsesNeverBank() && (size == 2 || size == 4 || size == 8);
  return is_checked && address.value % size != 0 ? Fault::WithCode(Vector::kAc, 0) : Fault::None();
}

void Mmu::ReadTarget(const Target& target, std::span<std::byte> bytes) {
  if (target.host != nullptr) {
    Copy(bytes.data(), target.host, bytes.size());
  } else if (target.is_apic) {
    ReadApic(static_cast<u32>(target.gpa.value & 0xfff), bytes);
  } else {
    (void)view_->Read(target.gpa, bytes);
  }
}

void Mmu::WriteTarget(const Target& target, std::span<const std::byte> bytes) {
  if (target.host != nullptr) {
    Copy(target.host, bytes.data(), bytes.size());
  } else if (target.is_apic) {
    WriteApic(static_cast<u32>(target.gpa.value & 0xfff), bytes);
  } else {
    (void)view_->Write(target.gpa, bytes);
  }
  if (!target.is_plain) [[unlikely]] {
    NoteWritten(target, bytes.size());
  }
}

// Tells those who want to know of a write.
void Mmu::NoteWritten(const Target& target, u64 size) {
  if (target.host != nullptr) {
    const devices::FlatRange& range = *target.range;
    range.ram->MarkDirty(range.offset + (target.gpa - range.start), size);
  }
  if (code_.HoldsCode(Gpa(AlignDown(target.gpa.value, kPageSize)))) {
    code_.OnCodeWritten(target.gpa, size);
  }
}

// Registers are 32 bits wide at multiples of 16; what lies between reads as zero.
void Mmu::ReadApic(u32 offset, std::span<std::byte> bytes) {
  u32 loaded = ~u32{0};
  u32 value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const u32 at = offset + static_cast<u32>(i);
    if ((at & 0xc) != 0) {
      bytes[i] = std::byte{0};
      continue;
    }
    if ((at & ~3u) != loaded) {
      loaded = at & ~3u;
      value = apic_->ReadRegister(loaded);
    }
    bytes[i] = static_cast<std::byte>(value >> (8 * (at & 3)));
  }
}

// Only accesses that start a register have an effect; of wider ones the low 32 bits.
void Mmu::WriteApic(u32 offset, std::span<const std::byte> bytes) {
  if ((offset & 0xf) == 0) {
    const size_t size = std::min<size_t>(bytes.size(), 4);
    apic_->WriteRegister(offset, static_cast<u32>(devices::AccessValue(bytes.first(size))));
  }
}

Fault Mmu::PinForUpdate(Gva address, u32 size, std::byte*& host, bool& must_report) {
  host = nullptr;
  must_report = false;
  if (Fault fault = CheckAlignment(address, size)) {
    return fault;
  }
  if (size > LeftInPage(address)) {
    return PinAcross(address, host, must_report);
  }
  Target target;
  if (Fault fault = Translate(DataRights(), address, AccessKind::kWrite, target)) {
    return fault;
  }
  if (target.is_plain || !HasWatchpoints()) {
    host = target.host;
    must_report = !target.is_plain;
  }
  return Fault::None();
}

// The pages are shown side by side, and the host's processor does across their border what it does
// anywhere.
Fault Mmu::PinAcross(Gva address, std::byte*& host, bool& must_report) {
  if (Fault fault = ProbeAs(DataRights(), address, LeftInPage(address) + 1, AccessKind::kWrite)) {
    return fault;
  }
  Target first, second;
  if (Fault fault = Translate(DataRights(), address, AccessKind::kWrite, first)) {
    return fault;
  }
  if (Fault fault = Translate(DataRights(), NextPage(address), AccessKind::kWrite, second)) {
    return fault;
  }
  const bool is_plain = first.is_plain && second.is_plain;
  if (first.host != nullptr && second.host != nullptr && (is_plain || !HasWatchpoints())) {
    const u64 offset = address.value % kPageSize;
    std::byte* const start = joined_.Show(first.host - offset, second.host, *view_);
    host = start != nullptr ? start + offset : nullptr;
    must_report = !is_plain;
  }
  return Fault::None();
}

void Mmu::ReportUpdate(Gva address, u32 size) {
  for (u64 left = size; left != 0;) {
    const u64 part = std::min(left, LeftInPage(address));
    Target target;
    const Fault fault = Translate(DataRights(), address, AccessKind::kWrite, target);
    if (!fault && !target.is_plain) {
      NoteWritten(target, part);
    }
    left -= part;
    address = NextPage(address);
  }
}

std::byte* Mmu::HostSpan(Gva address, AccessKind kind) {
  Target target;
  if (UsesNeverBank() || Translate(DataRights(), address, kind, target)) {
    return nullptr;
  }
  return target.is_plain ? target.host : nullptr;
}

}  // namespace tandem::cpu
