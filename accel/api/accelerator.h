#pragma once

#include <memory>

#include "accel/api/vcpu.h"
#include "base/result.h"
#include "cpu/state/cpu_model.h"
#include "devices/bus/address_space.h"
#include "devices/bus/clock.h"
#include "devices/bus/instruction_clock.h"

namespace tandem::accel {

// What a vCPU is connected to. All of it outlives the vCPU.
struct VcpuEnv {
  devices::AddressSpace& memory;
  devices::AddressSpace& ports;
  devices::IrqChip& irqs;
  devices::Clock& clock;
  devices::InstructionClock* icount = nullptr;  // the same clock, where it counts instructions
};

// A way to execute guest code.
class Accelerator {
 public:
  virtual ~Accelerator() = default;

  // The CPUID features that its vCPUs can offer.
  virtual cpu::FeatureSet Features() const = 0;
  // An interrupt controller of its own; null: the machine's is used.
  virtual std::unique_ptr<devices::IrqChip> MakeIrqChip(devices::CpuSignals& signals) = 0;
  // The model outlives the vCPU. The vCPU is in its power-on state.
  virtual Result<std::unique_ptr<Vcpu>> MakeVcpu(devices::VcpuId id, const cpu::CpuModel& model,
                                                 const VcpuEnv& env) = 0;
};

}  // namespace tandem::accel
