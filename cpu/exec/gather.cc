#include <algorithm>
#include <type_traits>

#include "cpu/exec/operand.h"
#include "cpu/exec/unit.h"

// VGATHERxPS/PD, VPGATHERxD/Q of AVX2. Elements are loaded from the lowest up; what is done is
// noted in the mask register, so that a fault restarts where it happened. SDM Vol. 2.
namespace tandem::cpu {
namespace {

constexpr size_t kYmmSize = 32;

template <typename T>
u8* Element(u8* vector, size_t index) {
  return vector + index * sizeof(T);
}

template <typename Index>
bool GatherAddress(Core& core, const Step& step, Index index, u32 size, Gva& linear) {
  const auto scaled = static_cast<u64>(static_cast<i64>(index)) << step.scale;
  u64 offset = ReadReg<u64>(core, step.base) + static_cast<u64>(step.displacement) + scaled;
  offset = step.address_size == 8 ? offset : static_cast<u32>(offset);
  if (step.check_segment) {
    return LinearChecked(core, step.segment, offset, size, AccessKind::kRead, linear);
  }
  linear = Linear(core, step.segment, offset);
  return true;
}

template <typename Index, typename Data>
Flow Gather(Core& core, const Step& step) {
  const Inst& inst = *step.inst;
  if (const Fault fault = CheckUnit(core.state, inst)) {
    return core.Raise(fault);
  }
  auto& zmm = core.state.vec.zmm;
  u8* const destination = zmm[inst.operands[0].reg];
  u8* const mask = zmm[inst.operands[2].reg];
  const u8* const indices = zmm[inst.mem.index];
  const size_t count = std::min<size_t>(inst.operands[0].size / sizeof(Data),
                                        inst.mem.vector_index_size / sizeof(Index));
  for (size_t i = 0; i < count; ++i) {
    if (LoadLe<std::make_signed_t<Data>>(Element<Data>(mask, i)) >= 0) {
      continue;
    }
    Gva linear;
    Data value;
    if (!GatherAddress(core, step, LoadLe<Index>(indices + i * sizeof(Index)), sizeof(Data),
                       linear) ||
        !LoadAt<Data>(core, step.segment, linear, value)) {
      return Flow::kFault;
    }
    StoreLe<Data>(Element<Data>(destination, i), value);
    StoreLe<Data>(Element<Data>(mask, i), 0);
  }
  std::memset(mask, 0, kYmmSize);
  std::memset(Element<Data>(destination, count), 0, kYmmSize - count * sizeof(Data));
  return Flow::kNext;
}

}  // namespace

ExecFn SelectGather(const Inst& inst) {
  switch (inst.op) {
    case Op::kGatherDd:
      return &Gather<i32, u32>;
    case Op::kGatherDq:
      return &Gather<i32, u64>;
    case Op::kGatherQd:
      return &Gather<i64, u32>;
    case Op::kGatherQq:
      return &Gather<i64, u64>;
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
