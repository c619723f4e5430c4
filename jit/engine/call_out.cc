#include "jit/engine/call_out.h"

namespace tandem::jit {
namespace {

using cpu::Op;

cpu::BlockMode ToBlockMode(const UnitMode& mode) {
  cpu::BlockMode result;
  result.code_bits = mode.code_bits;
  result.is_real = mode.is_real;
  result.is_user = mode.is_user;
  result.checked_segments = mode.limited_segments | mode.strange_segments;
  result.single = true;
  return result;
}

bool UsesX87Image(Op op) {
  switch (op) {
    case Op::kFxsave: case Op::kFxsave64: case Op::kFxrstor: case Op::kFxrstor64: case Op::kXsave:
    case Op::kXsave64: case Op::kXsavec: case Op::kXsavec64: case Op::kXsaveopt:
    case Op::kXsaveopt64: case Op::kXsaves: case Op::kXsaves64: case Op::kXrstor:
    case Op::kXrstor64: case Op::kXrstors: case Op::kXrstors64:
      return true;
    default:
      return false;
  }
}

}  // namespace

CallOut::CallOut(const UnitInst& unit_inst, const UnitMode& mode, const cpu::CpuModel& model)
    : bound(unit_inst.inst, ToBlockMode(mode), model),
      offset(unit_inst.offset),
      uses_x87_image(UsesX87Image(unit_inst.inst.op)) {}

}  // namespace tandem::jit
