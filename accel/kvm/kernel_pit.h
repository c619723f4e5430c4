#pragma once

#include <linux/kvm.h>

#include "accel/kvm/vm.h"
#include "devices/bus/irq_state.h"

namespace tandem::accel::kvm {

// KVM's PIT and port 0x61. The VM outlives it.
class KernelPit final : public devices::IntervalTimer {
 public:
  explicit KernelPit(Vm& vm) : vm_(vm) {}
  // The VM has its interrupt controllers.
  Result<void> Create();

  void Reset();
  void SetIrqEnabled(bool enabled) override;
  // KVM does not tell how far channel 0 has counted, and lets periods begin anew when loaded.
  devices::PitState SavePit() override;
  void LoadPit(const devices::PitState& state) override;

 private:
  kvm_pit_state2 Get() const;
  void Set(kvm_pit_state2 state) const;

  Vm& vm_;
  kvm_pit_state2 power_on_{};
};

}  // namespace tandem::accel::kvm
