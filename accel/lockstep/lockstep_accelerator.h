#pragma once

#include <functional>
#include <memory>

#include "accel/api/accelerator.h"
#include "accel/lockstep/replica.h"

namespace tandem::accel {

struct LockstepOptions {
  // Whose vCPU follows the translator, single-stepped; null: our interpreter does. Without
  // controllers in the kernel.
  std::unique_ptr<Accelerator> replica = nullptr;
  // How our interpreter is made: tests put faults in front of it.
  std::function<std::unique_ptr<lockstep::Replica>(const cpu::CpuModel&, const VcpuEnv&)>
      make_interpreter = &lockstep::MakeInterpreterReplica;
  u64 instructions = 0;              // after which on_limit is called; 0: none
  std::function<void()> on_limit{};  // on the vCPU's thread
};

// Runs the translator and a second engine on the same guest, of one processor, and compares:
// `-accel dbt,lockstep=`. Where they differ the vCPU's Run ends with Fatal and a report.
std::unique_ptr<Accelerator> MakeLockstepAccelerator(LockstepOptions options);

}  // namespace tandem::accel
