#include "jit/x64/emitter.h"

// The guest's arithmetic flags stay in EFLAGS. A range check overwrites these, so flags that are
// needed later are put into memory before it and fetched when they are used.
namespace tandem::jit {

void Emitter::FreeHostFlags(u32 live, const Xbyak::Reg64& scratch) {
  if (form_.flags == FlagHome::kHost && live != 0) {
    SaveFlags(scratch);
    form_.flags = FlagHome::kMemory;
  }
}

void Emitter::NeedHostFlags(const Xbyak::Reg64& scratch) {
  if (form_.flags == FlagHome::kMemory) {
    RestoreFlags(scratch);
    form_.flags = FlagHome::kHost;
  }
}

void Emitter::ToMemoryForm(const Xbyak::Reg64& scratch) {
  FreeHostFlags(static_cast<u32>(cpu::kArithFlags), scratch);
}

}  // namespace tandem::jit
