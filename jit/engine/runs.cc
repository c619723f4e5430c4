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
  const u64 span = u64{1} << record.span_class;
  const AccessKind kind = record.is_write ? AccessKind::kWrite : AccessKind::kRead;
  const cpu::PlainRun run = mmu_.FindPlainRun(Gva(linear), 1, kind);
  if (run.length < kMaxSpan || !run.Holds(Gva(linear), span)) {
    return false;
  }
  MicroEntry& entry = context_.micro[mode_.bank][record.is_write][record.slot];
  if (entry.base == kNoBase) {
    const size_t index = (mode_.bank * 2u + record.is_write) * kMicroSlots + record.slot;
    context_.micro_used[context_.micro_used_count++] = static_cast<u32>(index);
  }
  u64 start = run.linear;
  u64 end = run.linear + run.length;
  while (end - start < kMaxRun && ContinuesAt(end, run.addend, record.is_write)) {
    end += kPageSize;
  }
  while (end - start < kMaxRun && ContinuesAt(start - kPageSize, run.addend, record.is_write)) {
    start -= kPageSize;
  }
  entry.base = start;
  entry.addend = run.addend;
  entry.host = start + run.addend;
  for (unsigned i = 0; i < kSpanClasses; ++i) {
    entry.limit[i] = end - start - (u64{1} << i);
  }
  return true;
}

// Whether the TLB knows the page as plain memory at the same distance from the host's: then it belongs
// to the same run.
bool Engine::ContinuesAt(u64 page, u64 addend, bool is_write) const {
  const cpu::TlbEntry& entry = context_.tlb.banks[mode_.bank][page / kPageSize % cpu::kTlbEntries];
  const u64 tag = page | context_.tlb.generations[mode_.bank];
  return entry.addend == addend && (is_write ? entry.write_tag : entry.read_tag) == tag;
}

void Engine::DropRuns() {
  MicroEntry* const all = &context_.micro[0][0][0];
  for (u32 i = 0; i < context_.micro_used_count; ++i) {
    all[context_.micro_used[i]].base = kNoBase;
  }
  context_.micro_used_count = 0;
}

void Engine::ForgetWritablePage(const std::byte* page) {
  mmu_.DropWriteTagsOfHost(page);
  DropRuns();
  seen_write_generation_ = mmu_.write_generation();
}

// Whether a check that looks into the TLB finds the page there.
bool Engine::IsInTlb(u64 linear, MissRecord record) const {
  const cpu::TlbEntry& entry =
      context_.tlb.banks[mode_.bank][linear / kPageSize % cpu::kTlbEntries];
  const u64 tag = AlignDown(linear, kPageSize) | context_.tlb.generations[mode_.bank];
  const bool is_within = linear % kPageSize + (u64{1} << record.span_class) <= kPageSize;
  return is_within && (record.is_write ? entry.write_tag : entry.read_tag) == tag;
}

const u8* Engine::OnMiss(u64 linear, MissRecord record) {
  if (FillRun(linear, record) && (!record.asks_tlb || IsInTlb(linear, record))) [[likely]] {
    ++counts_.run_fills;
    return reinterpret_cast<const u8*>(context_.spill[3]);
  }
  StandAt(record.site);
  if (record.is_group) {
    ++counts_.ungrouped;
    ++context_.micro[mode_.bank][record.is_write][record.slot].splits;
    const u8* const code = Search(true);
    PutState();
    return code != nullptr ? code : Resume();
  }
  ++counts_.misses_interpreted;
  Step();
  return Resume();
}

}  // namespace tandem::jit
