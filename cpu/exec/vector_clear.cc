#include <cstring>

#include "cpu/exec/operand.h"
#include "cpu/exec/unit.h"

// VZEROUPPER and VZEROALL: they name no register, and outside 64-bit mode concern only eight. SDM
// Vol. 2.
namespace tandem::cpu {
namespace {

template <size_t kKept>
Flow ClearVectors(Core& core, const Step& step) {
  if (const Fault fault = CheckUnit(core.state, *step.inst)) {
    return core.Raise(fault);
  }
  const size_t count = core.state.In64BitMode() ? 16 : 8;
  for (size_t reg = 0; reg < count; ++reg) {
    auto& vector = core.state.vec.zmm[reg];
    std::memset(vector + kKept, 0, sizeof(vector) - kKept);
  }
  return Flow::kNext;
}

}  // namespace

ExecFn SelectVectorClear(const Inst& inst) {
  switch (inst.op) {
    case Op::kVzeroupper:
      return &ClearVectors<16>;
    case Op::kVzeroall:
      return &ClearVectors<0>;
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
