#include "base/check.h"
#include "cpu/exec/step.h"

namespace tandem::cpu {

ExecFn SelectExec(const Inst& inst) {
  static constexpr ExecFn (*kFamilies[])(const Inst&) = {
      &SelectMove,
      &SelectAlu,
      &SelectStack,
      &SelectBranch,
      &SelectShift,
      &SelectBit,
      &SelectMultiply,
      &SelectExchange,
      &SelectString,
      &SelectFlag,
      &SelectFar,
      &SelectSystem,
      &SelectRegisterAccess,
      &SelectDescriptor,
      &SelectExtendedState,
      &SelectHost,
      &SelectBcd,
      &SelectMasked,
      &SelectGather,
      &SelectX87Environment,
      &SelectVectorClear,
  };
  for (const auto family : kFamilies) {
    if (const ExecFn run = family(inst)) {
      return run;
    }
  }
  CheckFailed(__FILE__, __LINE__, "every operation has an executor");
}

}  // namespace tandem::cpu
