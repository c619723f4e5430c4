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
  kPushFlags,
  kInterruptFlag,  // CLI, STI where they are allowed
  kSwapGs,         // likewise
  kCallOut,        // C++ executes it in the midst of the unit: mode, mapping and control stay
  kExecute,        // C++ executes it, and looks where to go on
  kInterpret,     // the interpreter executes it
};

Treatment TreatmentOf(const cpu::Inst& inst, const UnitMode& mode, const cpu::CpuModel& model);

// Likewise of those whose operation is C++'s in the first place.
Treatment SystemTreatmentOf(const cpu::Inst& inst, const UnitMode& mode,
                            const cpu::CpuModel& model);

// Whether the implicit stack accesses are plain memory accesses of the code's size.
bool HasPlainStack(const UnitMode& mode);

// STI holds off interrupts for one instruction: the one behind it must begin in the same unit, with
// no look at interrupts in between. Otherwise C++ is to execute it.
bool SuitsShadow(Treatment behind);

// Whether what code has in a register of the host's own can stay there meanwhile.
bool LeavesScratch(Treatment treatment);

// Whether no instruction of the same unit follows.
bool EndsUnit(Treatment treatment);

}  // namespace tandem::jit
