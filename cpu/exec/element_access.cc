#include "cpu/exec/element_access.h"

#include <bit>

namespace tandem::cpu {
namespace {

constexpr u64 LowBits(u32 count) { return count >= 64 ? ~u64{0} : (u64{1} << count) - 1; }

bool ElementAddress(Core& core, const Step& step, u32 at, u32 size, AccessKind kind, Gva& linear) {
  u64 offset = EffectiveAddress(core, step) + at;
  if (step.inst->masking.element_size == 0) {  // VMASKMOV; EVEX: only the start is cut
    offset &= ~u64{0} >> step.address_shift;
  }
  if (step.check_segment) {
    return LinearChecked(core, step.segment, offset, size, kind, linear);
  }
  linear = Linear(core, step.segment, offset);
  return true;
}

// access(linear, offset in the operand, bytes) for each run of selected elements, up to a fault.
template <typename Access>
bool ForEachRun(Core& core, const Step& step, const Elements& elements, AccessKind kind,
                Access access) {
  u64 left = elements.selected;
  while (left != 0) {
    const auto first = static_cast<u32>(std::countr_zero(left));
    const auto count = static_cast<u32>(std::countr_one(left >> first));
    const u32 at = first * elements.size;
    const u32 bytes = count * elements.size;
    Gva linear;
    if (!ElementAddress(core, step, at, bytes, kind, linear)) {
      return false;
    }
    if (const Fault fault = access(linear, at, bytes)) {
      return MemoryFault(core, step.segment, fault);
    }
    left &= ~LowBits(first + count);
  }
  return true;
}

}  // namespace

Elements SelectElements(const CpuState& state, const Masking& masking, u32 bytes) {
  const u32 count = bytes / masking.element_size;
  const u64 mask = state.vec.k[masking.reg] & LowBits(masking.bits);
  if (masking.is_packed) {
    return {LowBits(static_cast<u32>(std::popcount(mask))), masking.element_size};
  }
  u64 selected = 0;
  for (u32 shift = 0; shift < masking.bits; shift += count) {
    selected |= mask >> shift;
  }
  return {selected & LowBits(count), masking.element_size};
}

bool LoadElements(Core& core, const Step& step, const Elements& elements, u8* to) {
  return ForEachRun(core, step, elements, AccessKind::kRead, [&](Gva linear, u32 at, u32 size) {
    return core.mmu.ReadBytes(linear, {reinterpret_cast<std::byte*>(to) + at, size});
  });
}

bool ProbeElements(Core& core, const Step& step, const Elements& elements) {
  return ForEachRun(core, step, elements, AccessKind::kWrite, [&](Gva linear, u32, u32 size) {
    return core.mmu.Probe(linear, size, AccessKind::kWrite);
  });
}

bool StoreElements(Core& core, const Step& step, const Elements& elements, const u8* from) {
  return ForEachRun(core, step, elements, AccessKind::kWrite, [&](Gva linear, u32 at, u32 size) {
    return core.mmu.WriteBytes(linear, {reinterpret_cast<const std::byte*>(from) + at, size});
  });
}

}  // namespace tandem::cpu
