// Debug exceptions between instructions. SDM Vol. 3, 17.2 and 17.3.
#include "base/bits.h"
#include "cpu/event/deliver.h"

namespace tandem::cpu {

void DeliverPendingDebugTrap(Context& context) {
  CpuState& state = context.state;
  const u64 bits = state.pending_dr6;
  state.pending_dr6 = 0;
  if (bits != 0) {
    DeliverFault(context, Fault::Debug(bits));
  }
}

u64 InstructionBreakpoint(const CpuState& state, Gva linear) {
  if ((state.dr7 & 0xff) == 0 || (state.rflags & kFlagRf) != 0) {
    return 0;
  }
  u64 bits = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const bool is_armed = BitsOf(state.dr7, 2 * i, 2) != 0 && BitsOf(state.dr7, 16 + 4 * i, 4) == 0;
    if (is_armed && state.dr[i] == linear.value) {
      bits |= u64{1} << i;
    }
  }
  return bits;
}

}  // namespace tandem::cpu
