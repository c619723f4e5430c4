#include "base/bits.h"
#include "jit/engine/engine.h"

// Cached runs of plain memory, and what happens where a check against them fails.
namespace tandem::jit {

using cpu::AccessKind;

namespace {

// Where pages that follow each other are joined to a run, how far.
constexpr u64 kMaxRun = 4 << 20;

}  // namespace

bool Engine::FillRun(u64 linear, MissRecord record) {
  const AccessKind kind = record.is_write ? AccessKind::kWrite : AccessKind::kRead;
  const cpu::PlainRun run = mmu_.FindPlainRun(Gva(linear), 1, kind);
  if (run.length < kMaxSpan || !run.Holds(Gva(linear), record.size)) {
    return false;
  }
  MicroEntry& entry = context_.micro[mode_.bank][record.is_write][record.slot];
  if (entry.base == kNoBase) {
    const size_t index = (mode_.bank * 2u + record.is_write) * kMicroSlots + record.slot;
    context_.micro_used[context_.micro_used_count++] = static_cast<u32>(index);
  }
  u64 start = run.linear;
  u64 end = run.linear + run.length;
  while (end - start < kMaxRun && ContinuesAt(end, run, record.is_write)) {
    end += kPageSize;
  }
  while (end - start < kMaxRun && ContinuesAt(start - kPageSize, run, record.is_write)) {
    start -= kPageSize;
  }
  entry.base = start;
  entry.addend = run.addend;
  entry.host = start + run.addend;
  entry.is_local = run.is_global ? 0 : 1;
  for (unsigned i = 0; i < kSpanClasses; ++i) {
    entry.limit[i] = end - start - (u64{1} << i);
  }
  return true;
}

// Whether the TLB knows the page as plain memory at the same distance from the host's, flushed
// together with the run: then it belongs to it.
bool Engine::ContinuesAt(u64 page, const cpu::PlainRun& run, bool is_write) const {
  const cpu::TlbStorage& tlb = context_.tlb;
  const size_t slot = page / kPageSize % cpu::kTlbEntries;
  const cpu::TlbEntry& entry = tlb.banks[mode_.bank][slot];
  const u64 tag = page | tlb.generations[mode_.bank];
  const bool is_local = Bit(tlb.local_slots[mode_.bank][slot / 64], slot % 64);
  return entry.addend == run.addend && is_local != run.is_global &&
         (is_write ? entry.write_tag : entry.read_tag) == tag;
}

void Engine::ForgetWritablePage(const std::byte* page) { mmu_.DropWriteTagsOfHost(page); }

// The access that failed may be what faults. Where that is sure, the instruction need not be executed
// to find out; everything else is left to the interpreter.
bool Engine::FaultOfMiss(u64 linear, MissRecord record, cpu::Fault& fault) {
  if (!record.is_simple) {
    return false;
  }
  fault = mmu_.Probe(Gva(linear + record.own_offset), 1,
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
  if (record.is_write && mmu_.TryRead(Gva(linear), 1) != nullptr) {
    Refused& page = refused_[linear / kPageSize % refused_.size()];
    page.linear = AlignDown(linear, kPageSize);
    page.salt = context_.branch_salt;
  }
}

// Whether a check that looks into the TLB finds the page there.
bool Engine::IsInTlb(u64 linear, MissRecord record) const {
  const cpu::TlbEntry& entry =
      context_.tlb.banks[mode_.bank][linear / kPageSize % cpu::kTlbEntries];
  const u64 tag = AlignDown(linear, kPageSize) | context_.tlb.generations[mode_.bank];
  const bool is_within = linear % kPageSize + record.size <= kPageSize;
  return is_within && (record.is_write ? entry.write_tag : entry.read_tag) == tag;
}

const u8* Engine::OnMiss(u64 linear, MissRecord record) {
  const bool is_refused = IsRefused(linear, record);
  const bool is_filled = !is_refused && FillRun(linear, record);
  if (is_filled && (!record.asks_tlb || IsInTlb(linear, record))) [[likely]] {
    ++counts_.run_fills;
    return reinterpret_cast<const u8*>(context_.spill[3]);
  }
  StandAt(record.site);
  if (cpu::Fault fault; !is_refused && !is_filled && FaultOfMiss(linear, record, fault)) {
    ++counts_.page_faults;
    interpreter_.Raise(fault);
    mode_is_old_ = true;
    return Resume();
  }
  if (!is_filled) {
    NoteRefused(linear, record);
  }
  if (record.is_group) {
    ++counts_.ungrouped;
    const u8* const code = FindUngrouped();
    PutState();
    return code != nullptr ? code : Resume();
  }
  ++counts_.misses_interpreted;
  Step();
  return Resume();
}

}  // namespace tandem::jit
