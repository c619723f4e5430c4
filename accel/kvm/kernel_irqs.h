#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "accel/api/accelerator.h"
#include "accel/kvm/kernel_pit.h"
#include "accel/kvm/routing.h"
#include "accel/kvm/vm.h"

namespace tandem::accel::kvm {

// KVM's local APICs, with kernel-irqchip=split and on. VM and routing outlive them.
class KernelApics final : public devices::StatefulApics {
 public:
  KernelApics(Vm& vm, Routing& routing) : vm_(vm), routing_(routing) {}

  void SendMsi(devices::MsiMessage message) override;
  void SetPinMessage(u32 pin, devices::MsiMessage message, bool is_masked) override;
  void SetEoiHandler(std::function<void(u8 vector)> handler) override {
    on_eoi_ = std::move(handler);
  }
  void Reset() override;
  std::vector<devices::LocalApicState> Save() const override;
  void Load(const std::vector<devices::LocalApicState>& states) override;

  // A vCPU in its power-on state; it lives as long as the APICs.
  void Add(int vcpu_fd);
  void EndOfInterrupt(u8 vector) const { on_eoi_(vector); }
  // The vCPU's time-stamp counter was set, by which the timer's deadline counts.
  void OnTscSet(int vcpu_fd);

 private:
  struct Apic {
    int vcpu_fd;
    u64 base;
    kvm_lapic_state power_on;
    std::optional<i64> deadline_ticks;  // loaded, for when the time-stamp counter is
  };

  Vm& vm_;
  Routing& routing_;
  std::function<void(u8)> on_eoi_ = [](u8) {};
  std::vector<Apic> apics_;
};

// KVM's 8259 pair and I/O APIC besides, with kernel-irqchip=on.
class KernelIrqChip final : public devices::StatefulIrqChip {
 public:
  // api.rst: before the first vCPU.
  static Result<std::unique_ptr<KernelIrqChip>> Create(Vm& vm, KernelApics& apics,
                                                       Routing& routing);

  void SetLine(devices::Gsi gsi, bool level) override;
  void SendMsi(devices::MsiMessage message) override { apics_.SendMsi(message); }
  std::optional<u8> TakeVector(devices::VcpuId) override { return std::nullopt; }
  bool HasVector(devices::VcpuId) const override { return false; }
  devices::LocalApic* Apic(devices::VcpuId) override { return nullptr; }
  void Reset() override;
  devices::IrqState Save() const override;
  void Load(const devices::IrqState& state) override;

  KernelPit* pit() { return pit_ ? &*pit_ : nullptr; }

 private:
  KernelIrqChip(Vm& vm, KernelApics& apics) : vm_(vm), apics_(apics) {}

  Vm& vm_;
  KernelApics& apics_;
  std::optional<KernelPit> pit_;
  std::vector<kvm_irqchip> power_on_;
  std::atomic<u32> lines_{0};  // a bit a GSI: as devices have set them
};

// Turns KVM_CREATE_IRQCHIP or split mode on, as the VM's options say. All outlive the result.
Result<KernelIrqs> MakeKernelIrqs(Vm& vm, KernelApics& apics, Routing& routing);

}  // namespace tandem::accel::kvm
