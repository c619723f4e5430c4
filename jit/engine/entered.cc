#include "base/log.h"
#include "jit/engine/check_entries.h"
#include "jit/engine/engine.h"
#include "jit/engine/log_text.h"

// Watched blocks tell whenever control comes to one of their leaders: for -d exec, and for checks.
namespace tandem::jit {

u64 Engine::LinearOf(i32 offset) const {
  const u64 code_base = context_.segment_base[static_cast<size_t>(cpu::SegReg::kCs)];
  return (code_base + RipAt(offset)) & interpreter_.core().linear_mask;
}

const u8* Engine::OnEntered(const EntryRecord& record) {
  if constexpr (kChecksEntries) {
    CheckEntry(record);
  }
  const Block& block = *reinterpret_cast<const Block*>(record.block);
  Log(LogItem::kExec, "exec: vcpu {}: block {}, rip {:#x}, linear {:#x}, {}",
      interpreter_.core().id, static_cast<const void*>(shared_.space().ToExecutable(block.code)),
      RipAt(record.offset), LinearOf(record.offset), ModeText(mode_));
  return reinterpret_cast<const u8*>(&record + 1);
}

}  // namespace tandem::jit
