#include <utility>

#include "base/bits.h"
#include "cpu/mmu/canonical.h"
#include "jit/engine/engine.h"

// Cached runs of plain memory, and what happens where a check against them fails.
namespace tandem::jit {

using cpu::AccessKind;

namespace {

constexpr u64 kMaxRun = 4 << 20;
// A run that is often missed and shorter than this is worth an alias.
constexpr u64 kSmallRun = 256 << 10;
constexpr u64 kMissesBeforeAlias = 256;
// Windows that go over to a program's addresses at once, between two samples. Kernels wander over more
// than windows show, and each claim drops all runs.
constexpr u32 kMaxEarlyClaims = 4;

}  // namespace

bool Engine::FillRun(u64 linear, MissRecord record) {
  const AccessKind kind = record.is_write ? AccessKind::kWrite : AccessKind::kRead;
  cpu::PlainRun run = mmu_.FindPlainRun(Gva(linear), 1, kind);
  if (run.length < kMaxSpan) {
    return false;
  }
  MicroEntry& entry = RunOf(record);
  JoinPages(run, record.is_write);
  if (run.length < kSmallRun && entry.misses >= kMissesBeforeAlias) {
    ShowInOrder(linear, run, record.is_write, entry);
  }
  if (!run.Holds(Gva(linear), record.size)) {
    return false;
  }
  if (entry.base == kNoBase) {
    const size_t index = (mode_.bank * 2u + record.is_write) * kMicroSlots + record.slot;
    context_.micro_used[context_.micro_used_count++] = static_cast<u32>(index);
  }
  entry.base = run.linear;
  entry.addend = run.addend;
  entry.host = run.linear + run.addend;
  entry.is_local = run.is_global ? 0 : 1;
  for (unsigned i = 0; i < kSpanClasses; ++i) {
    entry.limit[i] = run.length - (u64{1} << i);
  }
  return true;
}

// Where the TLB has the page, if it is plain memory; 0 otherwise.
u64 Engine::HostPage(u64 page, bool is_write) const {
  const cpu::TlbEntry& entry = context_.tlb.banks[mode_.bank][page / kPageSize % cpu::kTlbEntries];
  const u64 tag = page | context_.tlb.generations[mode_.bank];
  return (is_write ? entry.write_tag : entry.read_tag) == tag ? page + entry.addend : 0;
}

// Whether the translation that the TLB has in the page's slot is not global.
bool Engine::IsLocal(u64 page) const {
  const size_t slot = page / kPageSize % cpu::kTlbEntries;
  return Bit(context_.tlb.local_slots[mode_.bank][slot / 64], static_cast<unsigned>(slot % 64));
}

// Adds pages to both sides of a run as long as they belong to it and are flushed together with it.
template <typename Belongs>
void Engine::Extend(cpu::PlainRun& run, Belongs belongs) const {
  const auto joins = [&](u64 page) { return IsLocal(page) != run.is_global && belongs(page); };
  while (run.length < kMaxRun && joins(run.linear + run.length)) {
    run.length += kPageSize;
  }
  while (run.length < kMaxRun && joins(run.linear - kPageSize)) {
    run.linear -= kPageSize;
    run.length += kPageSize;
  }
}

// Neighbours that the TLB knows at the same distance from the host's memory.
void Engine::JoinPages(cpu::PlainRun& run, bool is_write) const {
  Extend(run, [&](u64 page) { return HostPage(page, is_write) == page + run.addend; });
}

// Pages that are used together and lie scattered are shown in order. The next miss comes here, too, until
// all are there.
void Engine::ShowInOrder(u64 linear, cpu::PlainRun& run, bool is_write, MicroEntry& entry) {
  const u64 page = AlignDown(linear, kPageSize);
  const u64 host = HostPage(page, is_write);
  if (host == 0) {
    return;
  }
  if (alias_ == nullptr) {
    alias_ = std::make_unique<AliasWindows>();
  }
  if (!alias_->Owns(page)) {
    alias_claim_ = page;  // served when no address is in use
    if (mode_.is_user && early_claims_ < kMaxEarlyClaims) {
      ++early_claims_;
      has_early_claim_ = true;
      AskForSample();
    }
    return;
  }
  if (!alias_->Shows(page, host)) {
    if (!alias_->Show(page, host, mmu_.view())) {
      return;
    }
    ++counts_.aliases;
  }
  entry.misses = kMissesBeforeAlias | (kAskEvery - 1);
  ++entry.alias_fills;
  run = {.linear = page, .length = kPageSize, .addend = alias_->AddendFor(page),
         .is_global = run.is_global};
  Extend(run, [&](u64 other) {
    const u64 other_host = HostPage(other, is_write);
    return AlignDown(other, AliasWindows::kSpan) == AlignDown(page, AliasWindows::kSpan) &&
           other_host != 0 && alias_->Shows(other, other_host);
  });
}

// A window goes over to other linear addresses.
void Engine::ServeAliasClaim() {
  if (!std::exchange(has_early_claim_, false)) {
    early_claims_ = 0;
  }
  if (const u64 page = std::exchange(alias_claim_, kNoBase); page != kNoBase) {
    DropRuns([](const MicroEntry&, size_t, bool) { return true; });
    alias_->Claim(page);
  }
}

void Engine::ForgetWritablePage(const std::byte* page) { mmu_.DropWriteTagsOfHost(page); }

// The access that failed may be what faults. Where that is sure, the instruction need not be executed
// to find out; everything else is left to the interpreter.
bool Engine::FaultOfMiss(u64 linear, MissRecord record, cpu::Fault& fault) {
  constexpr u64 kLongestAccess = 64;
  const u64 own = linear + record.own_offset;
  const bool may_end_in_hole =
      state_.InLongMode() &&
      !cpu::IsCanonical(own + kLongestAccess - 1, (state_.cr4 & cpu::kCr4La57) != 0);
  if (!record.is_simple || may_end_in_hole) {
    return false;
  }
  fault = mmu_.Probe(Gva(own), 1,
                     record.own_write ? AccessKind::kWrite : AccessKind::kRead);
  return fault && fault.vector == cpu::Vector::kPf;
}

// Where the check of a group fails again and again, as with one that crosses a page.
const u8* Engine::FindUngrouped() {
  const u64 rip = state_.rip;
  const u64 tag = rip ^ context_.branch_salt;
  BranchEntry& entry = ungrouped_[rip % ungrouped_.size()];
  if (entry.tag == tag) {
    context_.pc_base = entry.pc_base;
    return reinterpret_cast<const u8*>(entry.code);
  }
  const u8* const code = Search(true);
  if (code != nullptr) {
    entry = {tag, reinterpret_cast<u64>(code), context_.pc_base, 0};
  }
  return code;
}

// Whether a run would be refused again, as that of a page with code: no need to walk to find out.
// Now and then it is tried all the same.
bool Engine::IsRefused(u64 linear, MissRecord record) {
  constexpr u32 kTriesBetween = 32;
  Refused& page = refused_[linear / kPageSize % refused_.size()];
  if (!record.is_write || page.linear != AlignDown(linear, kPageSize) ||
      page.salt != context_.branch_salt || mmu_.TryRead(Gva(linear), 1) == nullptr) {
    return false;
  }
  return ++page.uses % kTriesBetween != 0;
}

void Engine::NoteRefused(u64 linear, MissRecord record) {
  const u64 start = AlignDown(linear, kPageSize);
  if (record.is_write && HostPage(start, true) == 0 && mmu_.TryRead(Gva(linear), 1) != nullptr) {
    Refused& page = refused_[linear / kPageSize % refused_.size()];
    page.linear = start;
    page.salt = context_.branch_salt;
  }
}

// Whether a check that looks into the TLB finds the page there.
bool Engine::IsInTlb(u64 linear, MissRecord record) const {
  const bool is_within = linear % kPageSize + record.size <= kPageSize;
  return is_within && HostPage(AlignDown(linear, kPageSize), record.is_write) != 0;
}

// Why the access is left to the interpreter.
void Engine::CountInterpreted(u64 linear, MissRecord record) {
  if (linear % kPageSize + record.size > kPageSize) {
    ++counts_.crossing;
  } else if (record.is_write && mmu_.TryRead(Gva(linear), 1) != nullptr) {
    ++counts_.refused;
  } else {
    ++counts_.not_plain;
  }
}

const u8* Engine::OnMiss(u64 linear, MissRecord record) {
  const bool is_refused = IsRefused(linear, record);
  const bool is_filled = !is_refused && FillRun(linear, record);
  if (is_filled && (!record.asks_tlb || IsInTlb(linear, record))) [[likely]] {
    ++counts_.run_fills;
    if (!IsWorthRevising(record)) [[likely]] {
      return reinterpret_cast<const u8*>(context_.spill[3]);
    }
  }
  StandAt(record.site);
  if (IsWorthRevising(record)) {
    ++counts_.revised;
    Revise(reinterpret_cast<const u8*>(context_.spill[3]), record);
    return Resume();
  }
  if (cpu::Fault fault; !is_refused && !is_filled && FaultOfMiss(linear, record, fault)) {
    ++counts_.page_faults;
    RaiseHere(fault);
    return Resume();
  }
  if (!is_filled) {
    NoteRefused(linear, record);
  }
  if (record.is_group) {
    ++counts_.ungrouped;
    ++RunOf(record).splits;
    const u8* const code = FindUngrouped();
    counts_.entries += code != nullptr ? 1 : 0;
    PutState();
    return code != nullptr ? code : Resume();
  }
  CountInterpreted(linear, record);
  Step();
  return Resume();
}

}  // namespace tandem::jit
