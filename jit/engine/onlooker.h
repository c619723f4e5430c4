#pragma once

#include "cpu/state/cpu_state.h"

namespace tandem::jit {

// Looks on while a vCPU runs, and may look at its state: for lockstep. On the vCPU's thread, which may be
// in the midst of translated code.
class Onlooker {
 public:
  virtual ~Onlooker() = default;
  // The guest has come to state.rip, a leader of translated code, and goes on.
  virtual void OnEntered(const cpu::CpuState& state) = 0;
  // The guest is at state.rip, where C++ executes an instruction or delivers a fault.
  virtual void OnStep(const cpu::CpuState& state) = 0;
  // The place that is told of next may be the one that was told of last: nothing has been executed.
  virtual void OnStanding() = 0;
  // The guest is at state.rip and takes an NMI.
  virtual void OnNmi(const cpu::CpuState& state) = 0;
  // INIT or a start-up IPI has made the state what it is.
  virtual void OnReset(const cpu::CpuState& state) = 0;
};

}  // namespace tandem::jit
