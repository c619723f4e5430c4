#include "cpu/exec/operand.h"

namespace tandem::cpu {

void Core::Refresh() {
  const bool is_64 = state.In64BitMode();
  for (size_t i = 0; i < segment_base.size(); ++i) {
    const bool has_base = !is_64 || i >= static_cast<size_t>(SegReg::kFs);
    segment_base[i] = has_base ? state.seg[i].base : 0;
  }
  linear_mask = is_64 ? ~u64{0} : 0xffffffff;
  rip_mask = is_64 ? ~u64{0} : state.Seg(SegReg::kCs).is_big() ? 0xffffffff : 0xffff;
  stack_size = is_64 ? 8 : state.Seg(SegReg::kSs).is_big() ? 4 : 2;
}

bool LinearChecked(Core& core, SegReg segment, u64 offset, u32 size, AccessKind kind, Gva& linear) {
  if (const Fault fault = CheckSegment(core.state, segment, offset, size, kind)) {
    core.fault = fault;
    return false;
  }
  linear = Linear(core, segment, offset);
  return true;
}

bool CheckMemory(Core& core, const Step& step, u64 offset, u32 size, AccessKind kind) {
  Gva linear;
  return LinearChecked(core, step.segment, offset, size, kind, linear);
}

bool LoadSlow(Core& core, SegReg segment, Gva linear, u32 size) {
  const Fault fault = core.mmu.ReadBytes(linear, std::span(core.loaded).first(size));
  return !fault || MemoryFault(core, segment, fault);
}

bool StoreSlow(Core& core, SegReg segment, Gva linear, std::span<const std::byte> bytes) {
  const Fault fault = core.mmu.WriteBytes(linear, bytes);
  return !fault || MemoryFault(core, segment, fault);
}

bool MemoryFault(Core& core, SegReg segment, Fault fault) {
  if (fault.vector == Vector::kGp && segment == SegReg::kSs) {
    fault.vector = Vector::kSs;
  }
  core.fault = fault;
  return false;
}

}  // namespace tandem::cpu
