#include "base/log.h"
#include "jit/engine/check_entries.h"
#include "jit/engine/engine.h"
#include "jit/engine/log_text.h"

// Watched blocks tell whenever control comes to one of their leaders: for -d exec, checks and lockstep.
namespace tandem::jit {

u64 Engine::LinearOf(i32 offset) const {
  const u64 code_base = context_.segment_base[static_cast<size_t>(cpu::SegReg::kCs)];
  return (code_base + RipAt(offset)) & interpreter_.core().linear_mask;
}

// The state is made whole, and is then again what the code behind the leader expects.
void Engine::ShowEntry(i32 offset) {
  state_.rip = RipAt(offset);
  TakeState();
  const std::optional<cpu::FxImage> x87 = BorrowX87();
  onlooker_->OnEntered(state_);
  GiveX87Back(x87);
  PutState();
}

void Engine::ShowStep() {
  if (onlooker_ != nullptr) [[unlikely]] {
    const std::optional<cpu::FxImage> x87 = BorrowX87();
    onlooker_->OnStep(state_);
    GiveX87Back(x87);
  }
}

const u8* Engine::OnEntered(const EntryRecord& record) {
  if constexpr (kChecksEntries) {
    CheckEntry(record);
  }
  const Block& block = *reinterpret_cast<const Block*>(record.block);
  Log(LogItem::kExec, "exec: vcpu {}: block {}, rip {:#x}, linear {:#x}, {}",
      interpreter_.core().id, static_cast<const void*>(shared_.space().ToExecutable(block.code)),
      RipAt(record.offset), LinearOf(record.offset), ModeText(mode_));
  if (onlooker_ != nullptr) {
    ShowEntry(record.offset);
  }
  return reinterpret_cast<const u8*>(&record + 1);
}

}  // namespace tandem::jit
