#include <algorithm>
#include <array>

#include "cpu/exec/element_access.h"
#include "cpu/exec/mmx_state.h"
#include "cpu/exec/unit.h"

// VMASKMOVPS/PD, VPMASKMOVD/Q, MASKMOVDQU, MASKMOVQ: only elements whose mask has its top bit set
// touch memory. SDM Vol. 2.
namespace tandem::cpu {
namespace {

// The elements whose sign bit is set in a vector of total bytes.
Elements SignedElements(const u8* mask, u32 total, u32 size) {
  Elements elements{0, size};
  for (u32 i = 0; i < total / size; ++i) {
    elements.selected |= u64{(mask[i * size + size - 1] & 0x80u) != 0} << i;
  }
  return elements;
}

// All are probed first, so that a fault leaves memory as it was.
Flow Store(Core& core, const Step& step, const Elements& elements, const u8* from) {
  const bool stored =
      ProbeElements(core, step, elements) && StoreElements(core, step, elements, from);
  return stored ? Flow::kNext : Flow::kFault;
}

template <u32 kSize>
Flow MaskedMove(Core& core, const Step& step) {
  if (const Fault fault = CheckUnit(core.state, *step.inst)) {
    return core.Raise(fault);
  }
  const auto& operands = step.inst->operands;
  auto& zmm = core.state.vec.zmm;
  const Elements elements = SignedElements(zmm[operands[1].reg], operands[1].size, kSize);
  if (operands[0].IsMemory()) {
    return Store(core, step, elements, zmm[operands[2].reg]);
  }
  std::array<u8, sizeof(zmm[0])> value{};
  if (!LoadElements(core, step, elements, value.data())) {
    return Flow::kFault;
  }
  std::copy(value.begin(), value.end(), zmm[operands[0].reg]);
  return Flow::kNext;
}

// To DS:rDI, without alignment.
Flow Maskmovdqu(Core& core, const Step& step) {
  if (const Fault fault = CheckUnit(core.state, *step.inst)) {
    return core.Raise(fault);
  }
  const auto& operands = step.inst->operands;
  const auto& zmm = core.state.vec.zmm;
  return Store(core, step, SignedElements(zmm[operands[1].reg], 16, 1), zmm[operands[0].reg]);
}

Flow Maskmovq(Core& core, const Step& step) {
  if (const Fault fault = CheckUnit(core.state, *step.inst)) {
    return core.Raise(fault);
  }
  const auto& operands = step.inst->operands;
  FxImage fx = core.state.fx;
  EnterMmx(fx);
  const Elements elements = SignedElements(fx.st[operands[1].reg], 8, 1);
  const Flow flow = Store(core, step, elements, fx.st[operands[0].reg]);
  if (flow == Flow::kNext) {
    core.state.fx = fx;
  }
  return flow;
}

}  // namespace

ExecFn SelectMasked(const Inst& inst) {
  switch (inst.op) {
    case Op::kMaskmovdqu:
      return &Maskmovdqu;
    case Op::kMaskmovq:
      return &Maskmovq;
    case Op::kMaskedMove32:
      return &MaskedMove<4>;
    case Op::kMaskedMove64:
      return &MaskedMove<8>;
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
