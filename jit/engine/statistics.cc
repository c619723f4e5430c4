#include <algorithm>

#include "base/log.h"
#include "jit/engine/engine.h"

// -d jit: what the translator did, at the end of the machine.
namespace tandem::jit {
namespace {

constexpr std::array<const char*, kMicroBanks> kBankNames = {"user", "supervisor",
                                                             "supervisor with AC"};
static_assert(cpu::kUserBank == 0 && cpu::kSupervisorBank == 1 && cpu::kSupervisorAcBank == 2);

double PercentHit(u64 all, u64 misses) {
  return all == 0 ? 0 : 100.0 * static_cast<double>(all - misses) / static_cast<double>(all);
}

void LogChecks(const VcpuContext& context, u64 branch_misses, u64 from_cpp) {
  for (unsigned bank = 0; bank < kMicroBanks; ++bank) {
    const CheckCounts& c = context.check_counts[bank];
    Log(LogItem::kJit,
        "jit: checks, {}: {} of cached runs, {:.3f}% hit; {} of the TLB, {:.3f}% hit",
        kBankNames[bank], c.runs, PercentHit(c.runs, c.run_misses), c.tlb,
        PercentHit(c.tlb, c.tlb_misses));
  }
  // Returns come without a look at the table, unless C++ is asked.
  const u64 by_table = context.branch_lookups - std::min(branch_misses, context.branch_lookups);
  Log(LogItem::kJit, "jit: indirect jumps: {}, {} not in the table", context.branch_lookups,
      branch_misses);
  Log(LogItem::kJit, "jit: blocks entered: {} times, {:.3f}% by linked jumps, {:.3f}% by the table",
      context.block_entries, PercentHit(context.block_entries, by_table + from_cpp),
      PercentHit(context.block_entries, context.block_entries - by_table));
}

void LogShared(const SharedCode::Counts& s) {
  Log(LogItem::kJit,
      "jit: {} blocks, of these {} regions, {} instructions, {} guest bytes, {} host bytes, {:.3f} "
      "s translating",
      s.blocks.load(), s.regions.load(), s.insts.load(), s.guest_bytes.load(), s.host_bytes.load(),
      static_cast<double>(s.translation_ns.load()) * 1e-9);
  Log(LogItem::kJit, "jit: {} links, {} blocks retired, {} revived, {} chunks recycled, {} pauses",
      s.links.load(), s.retired.load(), s.revived.load(), s.recycled_chunks.load(), s.pauses.load());
}

}  // namespace

void Engine::LogCounts() const {
  const Counts& c = counts_;
  Log(LogItem::kJit,
      "jit: vcpu {}: {} interpreted, {} of rewritten code, {} call-outs, {} executed, {} polls, {} link exits, {} "
      "searches, {} flushes, {} pages verified, {} samples",
      interpreter_.core().id, c.interpreted, c.unwatched, c.call_outs, c.executed, c.polls, c.links, c.searches,
      c.flushes, c.verifies, c.samples);
  Log(LogItem::kJit,
      "jit: misses in C++: {} runs filled, {} pages shown in order, {} checks revised, {} groups "
      "split, {} page faults",
      c.run_fills, c.aliases, c.revised, c.ungrouped, c.page_faults);
  Log(LogItem::kJit,
      "jit: misses interpreted: {} across pages, {} writes refused, {} not plain memory; loads: {} "
      "x87, {} vectors",
      c.crossing, c.refused, c.not_plain, c.x87_loads, c.vector_loads);
  LogChecks(context_, c.branch_misses, c.entries);
  LogShared(shared_.counts());
}

}  // namespace tandem::jit
