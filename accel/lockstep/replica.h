#pragma once

#include <memory>
#include <string>

#include "accel/api/accelerator.h"
#include "accel/lockstep/state_diff.h"
#include "base/result.h"

namespace tandem::accel::lockstep {

// The engine that follows the master, an instruction at a time. All on the vCPU's thread.
class Replica {
 public:
  virtual ~Replica() = default;

  // "interp", as in lockstep=interp.
  virtual const char* Name() const = 0;
  virtual Strictness HowStrict() const = 0;

  virtual const cpu::CpuState& State() = 0;
  virtual void Load(const cpu::CpuState& state) = 0;
  // Where the master is: Step does not go beyond it, even if it executes more than one instruction
  // at once, as with a fault and the first instruction of its handler.
  virtual void SetTarget(const cpu::CpuState& master) = 0;
  // Executes one instruction, or a part of a repeated one, or delivers its fault. False and a
  // defect: it cannot.
  virtual bool Step() = 0;
  virtual const std::string& defect() const = 0;
  // Between instructions.
  virtual void TakeInterrupt(u8 vector) = 0;
  virtual void TakeNmi() = 0;
};

// Our interpreter. Everything outlives it.
std::unique_ptr<Replica> MakeInterpreterReplica(const cpu::CpuModel& model, const VcpuEnv& env);
// A vCPU of another accelerator, single-stepped.
Result<std::unique_ptr<Replica>> MakeSteppedReplica(Accelerator& accelerator, const char* name,
                                                    const cpu::CpuModel& model, const VcpuEnv& env);

}  // namespace tandem::accel::lockstep
