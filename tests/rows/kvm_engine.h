#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "accel/api/accelerator.h"
#include "base/mutex.h"
#include "devices/irqchip/soft_irq_chip.h"

namespace tandem::cpu {

// A vCPU of the host's KVM, without interrupt controllers in the kernel, that executes what Machine
// has prepared.
class KvmEngine {
 public:
  // Empty where the host has a KVM that works, else why not.
  static const std::string& WhyMissing();
  // For tests that are skipped without it: says why once.
  static bool IsThere();

  // What it offers to guests; there is one.
  static FeatureSet Features();

  // There is one. The spaces and the clock outlive it.
  KvmEngine(const CpuModel& model, devices::AddressSpace& memory, devices::AddressSpace& ports,
            devices::Clock& clock);
  ~KvmEngine();
  KvmEngine(const KvmEngine&) = delete;
  KvmEngine& operator=(const KvmEngine&) = delete;

  // From this state to a HLT, whose state replaces it. The text says what came instead, as a
  // shutdown or no end within seconds; empty: nothing.
  std::string Run(CpuState& state);

 private:
  // Nothing here interrupts.
  class NoSignals final : public devices::CpuSignals {
    void InterruptPending(devices::VcpuId) override {}
    void SendNmi(devices::VcpuId) override {}
    void SendInit(devices::VcpuId) override {}
    void SendStartup(devices::VcpuId, u8) override {}
  };

  void Watch();

  const std::unique_ptr<accel::Accelerator> accelerator_;
  CpuModel model_;
  NoSignals signals_;
  devices::SoftIrqChip irqs_;
  std::unique_ptr<accel::Vcpu> vcpu_;

  std::atomic<u64> turn_{0};       // odd: a run is under way
  std::atomic<u64> late_turn_{0};  // that was kicked
  Mutex mu_{LockRank::kLeaf};      // guards is_done_
  CondVar done_;
  bool is_done_ = false;
  std::thread watch_;
};

}  // namespace tandem::cpu
