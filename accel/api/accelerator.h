#pragma once

#include <memory>

#include "accel/api/vcpu.h"
#include "base/result.h"
#include "cpu/state/cpu_model.h"
#include "devices/bus/address_space.h"
#include "devices/bus/clock.h"
#include "devices/bus/instruction_clock.h"
#include "devices/bus/irq_events.h"
#include "devices/bus/irq_state.h"

namespace tandem::accel {

// What a vCPU is connected to. All of it outlives the vCPU.
struct VcpuEnv {
  devices::AddressSpace& memory;
  devices::AddressSpace& ports;
  devices::IrqChip& irqs;
  devices::Clock& clock;
  devices::InstructionClock* icount = nullptr;  // the same clock, where it counts instructions
};

// Interrupt controllers that an accelerator has in the kernel. The accelerator outlives them.
struct KernelIrqs {
  // All of them, and the PIT with its ports 0x40-0x43 and 0x61; null: not these ...
  std::unique_ptr<devices::StatefulIrqChip> chip;
  devices::IntervalTimer* pit = nullptr;
  // ... but the local APICs alone; null too: none.
  devices::StatefulApics* apics = nullptr;
  // Events that interrupt without a thread of ours, by one caller at a time; null: there are none.
  devices::IrqEvents* events = nullptr;
};

// A way to execute guest code for one machine.
class Accelerator {
 public:
  virtual ~Accelerator() = default;

  // The CPUID features that its vCPUs can offer.
  virtual cpu::FeatureSet Features() const = 0;
  // Whether guest code runs on the host's processor itself, so that `-cpu host` can be it.
  virtual bool IsNative() const = 0;
  // Before the first vCPU is made.
  virtual Result<KernelIrqs> MakeIrqs(u32 vcpus) = 0;
  // The model outlives the vCPU. The vCPU is in its power-on state. All vCPUs of a machine are made
  // with the same environment.
  virtual Result<std::unique_ptr<Vcpu>> MakeVcpu(devices::VcpuId id, const cpu::CpuModel& model,
                                                 const VcpuEnv& env) = 0;
  // The vCPUs have just been parked, or are about to run: for clocks that the accelerator has
  // itself.
  virtual void StopTime() = 0;
  virtual void StartTime() = 0;
};

}  // namespace tandem::accel
