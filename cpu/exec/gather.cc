#include <algorithm>
#include <type_traits>

#include "cpu/exec/operand.h"
#include "cpu/exec/unit.h"

// VGATHERxPS/PD, VPGATHERxD/Q, VSCATTERxPS/PD, VPSCATTERxD/Q. Elements go from the lowest up; what
// is done is noted in the mask, a vector with AVX2 and an opmask with AVX-512, so that a fault
// restarts where it happened. SDM Vol. 2.
namespace tandem::cpu {
namespace {

constexpr size_t kZmmSize = sizeof(VectorState::zmm[0]);

template <typename T>
u8* Element(u8* vector, size_t index) {
  return vector + index * sizeof(T);
}

template <typename Index>
bool ElementAddress(Core& core, const Step& step, Index index, u32 size, AccessKind kind,
                    Gva& linear) {
  const auto scaled = static_cast<u64>(static_cast<i64>(index)) << step.scale;
  u64 offset = ReadReg<u64>(core, step.base) + static_cast<u64>(step.displacement) + scaled;
  offset = step.address_size == 8 ? offset : static_cast<u32>(offset);
  if (step.check_segment) {
    return LinearChecked(core, step.segment, offset, size, kind, linear);
  }
  linear = Linear(core, step.segment, offset);
  return true;
}

// One element from or to memory.
template <typename Index, typename Data>
bool LoadElement(Core& core, const Step& step, Index index, u8* to) {
  Gva linear;
  Data value;
  if (!ElementAddress(core, step, index, sizeof(Data), AccessKind::kRead, linear) ||
      !LoadAt<Data>(core, step.segment, linear, value)) {
    return false;
  }
  StoreLe<Data>(to, value);
  return true;
}

template <typename Index, typename Data>
bool StoreElement(Core& core, const Step& step, Index index, const u8* from) {
  Gva linear;
  return ElementAddress(core, step, index, sizeof(Data), AccessKind::kWrite, linear) &&
         StoreAt<Data>(core, step.segment, linear, LoadLe<Data>(from));
}

template <typename Index, typename Data>
size_t ElementCount(const Inst& inst, const Operand& vector) {
  return std::min<size_t>(vector.size / sizeof(Data), inst.mem.vector_index_size / sizeof(Index));
}

template <typename Index>
Index IndexAt(const Core& core, const Inst& inst, size_t element) {
  return LoadLe<Index>(core.state.vec.zmm[inst.mem.index] + element * sizeof(Index));
}

template <typename Index, typename Data>
Flow Gather(Core& core, const Step& step) {
  const Inst& inst = *step.inst;
  if (const Fault fault = CheckUnit(core.state, inst)) {
    return core.Raise(fault);
  }
  u8* const destination = core.state.vec.zmm[inst.operands[0].reg];
  u8* const mask = core.state.vec.zmm[inst.operands[2].reg];
  const size_t count = ElementCount<Index, Data>(inst, inst.operands[0]);
  for (size_t i = 0; i < count; ++i) {
    if (LoadLe<std::make_signed_t<Data>>(Element<Data>(mask, i)) >= 0) {
      continue;
    }
    if (!LoadElement<Index, Data>(core, step, IndexAt<Index>(core, inst, i),
                                  Element<Data>(destination, i))) {
      return Flow::kFault;
    }
    StoreLe<Data>(Element<Data>(mask, i), 0);
  }
  std::memset(mask, 0, kZmmSize);
  std::memset(Element<Data>(destination, count), 0, kZmmSize - count * sizeof(Data));
  return Flow::kNext;
}

template <typename Index, typename Data>
Flow GatherByOpmask(Core& core, const Step& step) {
  const Inst& inst = *step.inst;
  if (const Fault fault = CheckUnit(core.state, inst)) {
    return core.Raise(fault);
  }
  u8* const destination = core.state.vec.zmm[inst.operands[0].reg];
  u64& mask = core.state.vec.k[inst.masking.reg];
  const size_t count = ElementCount<Index, Data>(inst, inst.operands[0]);
  for (unsigned i = 0; i < count; ++i) {
    if (Bit(mask, i) && !LoadElement<Index, Data>(core, step, IndexAt<Index>(core, inst, i),
                                                  Element<Data>(destination, i))) {
      return Flow::kFault;
    }
    mask = WithBit(mask, i, false);
  }
  mask = 0;
  std::memset(Element<Data>(destination, count), 0, kZmmSize - count * sizeof(Data));
  return Flow::kNext;
}

template <typename Index, typename Data>
Flow Scatter(Core& core, const Step& step) {
  const Inst& inst = *step.inst;
  if (const Fault fault = CheckUnit(core.state, inst)) {
    return core.Raise(fault);
  }
  u8* const source = core.state.vec.zmm[inst.operands[1].reg];
  u64& mask = core.state.vec.k[inst.masking.reg];
  const size_t count = ElementCount<Index, Data>(inst, inst.operands[1]);
  for (unsigned i = 0; i < count; ++i) {
    if (Bit(mask, i) && !StoreElement<Index, Data>(core, step, IndexAt<Index>(core, inst, i),
                                                   Element<Data>(source, i))) {
      return Flow::kFault;
    }
    mask = WithBit(mask, i, false);
  }
  mask = 0;
  return Flow::kNext;
}

template <typename Index, typename Data>
ExecFn GatherOf(const Inst& inst) {
  return inst.host_class == HostClass::kAvx512 ? &GatherByOpmask<Index, Data>
                                               : &Gather<Index, Data>;
}

}  // namespace

ExecFn SelectGather(const Inst& inst) {
  switch (inst.op) {
    case Op::kGatherDd:
      return GatherOf<i32, u32>(inst);
    case Op::kGatherDq:
      return GatherOf<i32, u64>(inst);
    case Op::kGatherQd:
      return GatherOf<i64, u32>(inst);
    case Op::kGatherQq:
      return GatherOf<i64, u64>(inst);
    case Op::kScatterDd:
      return &Scatter<i32, u32>;
    case Op::kScatterDq:
      return &Scatter<i32, u64>;
    case Op::kScatterQd:
      return &Scatter<i64, u32>;
    case Op::kScatterQq:
      return &Scatter<i64, u64>;
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
