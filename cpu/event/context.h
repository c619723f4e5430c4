#pragma once

#include "cpu/mmu/mmu.h"
#include "cpu/state/cpu_model.h"
#include "cpu/state/cpu_state.h"
#include "devices/bus/clock.h"
#include "devices/bus/irq.h"

namespace tandem::cpu {

// All that executing an instruction may touch. Borrowed parts outlive it; vCPU thread only.
struct Context {
  CpuState& state;
  Mmu& mmu;
  const CpuModel& model;
  devices::AddressSpace& ports;
  devices::LocalApic* apic;  // null: none
  devices::Clock& clock;
  devices::VcpuId id = 0;

  // The time-stamp counter before TSC offsets: one tick a nanosecond of virtual time.
  u64 ClockTsc() const { return clock.NowNs(); }
};

}  // namespace tandem::cpu
