#include <algorithm>
#include <array>

#include "cpu/exec/mmx_state.h"
#include "cpu/exec/operand.h"
#include "cpu/exec/unit.h"

// VMASKMOVPS/PD, VPMASKMOVD/Q, MASKMOVDQU, MASKMOVQ: only elements whose mask has its top bit set
// touch memory. SDM Vol. 2.
namespace tandem::cpu {
namespace {

using VectorBytes = std::array<u8, 32>;

bool IsSet(const u8* mask, size_t element, size_t size) {
  return (mask[element * size + size - 1] & 0x80) != 0;
}

// The address of one element of the memory operand.
bool ElementAddress(Core& core, const Step& step, size_t at, u32 size, AccessKind kind,
                    Gva& linear) {
  u64 offset = EffectiveAddress(core, step) + at;
  offset = step.address_size == 8   ? offset
           : step.address_size == 4 ? static_cast<u32>(offset)
                                    : static_cast<u16>(offset);
  if (step.check_segment) {
    return LinearChecked(core, step.segment, offset, size, kind, linear);
  }
  linear = Linear(core, step.segment, offset);
  return true;
}

// Stores the elements; all are probed first, so that a fault leaves memory as it was.
Flow StoreElements(Core& core, const Step& step, const u8* source, const u8* mask, size_t total,
                   u32 size) {
  for (const bool probe : {true, false}) {
    for (size_t i = 0; i < total / size; ++i) {
      Gva linear;
      if (!IsSet(mask, i, size)) {
        continue;
      }
      if (!ElementAddress(core, step, i * size, size, AccessKind::kWrite, linear)) {
        return Flow::kFault;
      }
      const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(source) + i * size,
                                             size);
      const Fault fault = probe ? core.mmu.Probe(linear, size, AccessKind::kWrite)
                                : core.mmu.WriteBytes(linear, bytes);
      if (fault) {
        (void)MemoryFault(core, step.segment, fault);
        return Flow::kFault;
      }
    }
  }
  return Flow::kNext;
}

bool LoadElements(Core& core, const Step& step, const u8* mask, size_t total, u32 size,
                  VectorBytes& value) {
  for (size_t i = 0; i < total / size; ++i) {
    Gva linear;
    if (!IsSet(mask, i, size)) {
      continue;
    }
    if (!ElementAddress(core, step, i * size, size, AccessKind::kRead, linear)) {
      return false;
    }
    const std::span<std::byte> bytes(reinterpret_cast<std::byte*>(value.data()) + i * size, size);
    if (const Fault fault = core.mmu.ReadBytes(linear, bytes)) {
      return MemoryFault(core, step.segment, fault);
    }
  }
  return true;
}

template <u32 kSize>
Flow MaskedMove(Core& core, const Step& step) {
  if (const Fault fault = CheckUnit(core.state, *step.inst)) {
    return core.Raise(fault);
  }
  const auto& operands = step.inst->operands;
  auto& zmm = core.state.vec.zmm;
  const u8* mask = zmm[operands[1].reg];
  const size_t total = operands[1].size;
  if (operands[0].IsMemory()) {
    return StoreElements(core, step, zmm[operands[2].reg], mask, total, kSize);
  }
  VectorBytes value{};
  if (!LoadElements(core, step, mask, total, kSize, value)) {
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
  return StoreElements(core, step, zmm[operands[0].reg], zmm[operands[1].reg], 16, 1);
}

Flow Maskmovq(Core& core, const Step& step) {
  if (const Fault fault = CheckUnit(core.state, *step.inst)) {
    return core.Raise(fault);
  }
  const auto& operands = step.inst->operands;
  FxImage fx = core.state.fx;
  EnterMmx(fx);
  const Flow flow = StoreElements(core, step, fx.st[operands[0].reg], fx.st[operands[1].reg], 8, 1);
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
