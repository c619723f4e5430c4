#include "base/log.h"
#include "jit/engine/engine.h"

// -d jit: what the translator did, at the end of the machine.
namespace tandem::jit {

void Engine::LogCounts() const {
  const Counts& c = counts_;
  Log(LogItem::kJit,
      "jit: {} interpreted, {} call-outs, {} executed, {} polls, {} link exits, {} branch misses, "
      "{} searches, {} flushes, {} pages verified, {} samples",
      c.interpreted, c.call_outs, c.executed, c.polls, c.links, c.branch_misses, c.searches,
      c.flushes, c.verifies, c.samples);
  Log(LogItem::kJit,
      "jit: misses: {} runs filled by C++, {} pages shown in order, {} interpreted, {} ungrouped, "
      "{} page faults; loads: {} x87, {} vectors",
      c.run_fills, c.aliases, c.misses_interpreted, c.ungrouped, c.page_faults, c.x87_loads,
      c.vector_loads);
  const SharedCode::Counts& s = shared_.counts();
  Log(LogItem::kJit,
      "jit: {} blocks, of these {} regions, {} instructions, {} guest bytes, {} host bytes, {:.3f} s translating",
      s.blocks.load(), s.regions.load(), s.insts.load(), s.guest_bytes.load(), s.host_bytes.load(),
      static_cast<double>(s.translation_ns.load()) * 1e-9);
  Log(LogItem::kJit, "jit: {} links, {} blocks retired, {} chunks recycled, {} pauses",
      s.links.load(), s.retired.load(), s.recycled_chunks.load(), s.pauses.load());
}

}  // namespace tandem::jit
