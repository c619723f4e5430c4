#pragma once

#include <memory>

#include "cpu/exec/block.h"

namespace tandem::cpu {

// One decoded instruction, ready to run outside of a block: for who executes it again and again
// where it stands (Interpreter::ExecuteBound). Never changes; any vCPU of the model may run it, but
// for Op::kHost, whose host code is a vCPU's own.
struct BoundInst {
  Inst inst;
  Step step;

  BoundInst(const Inst& decoded, BlockMode mode, const CpuModel& model)
      : inst(decoded), step(BindStep(inst, mode, 0, model)) {}
  BoundInst(const BoundInst&) = delete;
  BoundInst& operator=(const BoundInst&) = delete;
};

}  // namespace tandem::cpu
