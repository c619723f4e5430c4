#include "jit/x64/emitter.h"

// The guest's arithmetic flags stay in EFLAGS. A range check overwrites these, so flags that are
// needed later are put into memory before it and fetched when they are used.
namespace tandem::jit {

u32 Emitter::LiveBefore(size_t i) const {
  const UnitInst& unit_inst = unit_->insts[i];
  const FlagEffect effect = FlagEffectOf(unit_inst);
  u32 after = live_[i];
  if (unit_inst.treatment == Treatment::kConditional) {
    after = static_cast<u32>(cpu::kArithFlags);
  }
  return (after & ~effect.overwrites) | effect.needs;
}

void Emitter::FreeHostFlags(u32 live) {
  if (flags_ == FlagHome::kHost && live != 0) {
    SaveFlags(kScratch0);
    flags_ = FlagHome::kMemory;
  }
}

void Emitter::NeedHostFlags() {
  if (flags_ == FlagHome::kMemory) {
    RestoreFlags(kScratch1);
    flags_ = FlagHome::kHost;
  }
}

void Emitter::ToMemoryForm() { FreeHostFlags(static_cast<u32>(cpu::kArithFlags)); }

}  // namespace tandem::jit
