#pragma once

#include "cpu/decode/inst.h"
#include "cpu/state/cpu_model.h"
#include "jit/unit/unit_mode.h"

namespace tandem::jit {

// How an instruction becomes host code.
enum class Treatment : u8 {
  kCopy,          // the same instruction with other registers and another memory operand
  kNothing,       // no effect that we model: NOP, prefetches, CLFLUSH
  kLea,
  kPush,
  kPop,
  kLeave,
  kConditional,   // Jcc
  kJump,          // near, relative
  kJumpIndirect,
  kCall,
  kCallIndirect,
  kReturn,
  kLoop,          // LOOP, LOOPE, LOOPNE, JCXZ
  kDirection,     // CLD, STD
  kNeedX87,       // the unit's state must first be loaded: its block ends before it
  kNeedVectors,
  kInterpret,     // the interpreter executes it
};

Treatment TreatmentOf(const cpu::Inst& inst, const UnitMode& mode, const cpu::CpuModel& model);

// Whether no instruction of the same unit follows.
bool EndsUnit(Treatment treatment);

}  // namespace tandem::jit
