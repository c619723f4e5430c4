#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "accel/api/accelerator.h"
#include "accel/kvm/kernel_pit.h"
#include "accel/kvm/vm.h"
#include "base/mutex.h"

namespace tandem::accel::kvm {

// KVM's local APICs, with kernel-irqchip=split and on. The VM outlives them.
class KernelApics final : public devices::StatefulApics {
 public:
  explicit KernelApics(Vm& vm) : vm_(vm) {}

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
  std::function<void(u8)> on_eoi_ = [](u8) {};
  std::vector<Apic> apics_;
  Mutex mu_{LockRank::kLeaf};  // guards routes_: what I/O APIC pins send
  std::vector<kvm_irq_routing_entry> routes_;
};

// KVM's 8259 pair and I/O APIC besides, with kernel-irqchip=on.
class KernelIrqChip final : public devices::StatefulIrqChip {
 public:
  // api.rst: before the first vCPU.
  static Result<std::unique_ptr<KernelIrqChip>> Create(Vm& vm, KernelApics& apics);

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
  void SetRoutes();

  Vm& vm_;
  KernelApics& apics_;
  std::optional<KernelPit> pit_;
  std::vector<kvm_irqchip> power_on_;
  std::atomic<u32> lines_{0};  // a bit a GSI: as devices have set them
};

// Turns KVM_CREATE_IRQCHIP or split mode on, as the VM's options say. apics outlives the result.
Result<KernelIrqs> MakeKernelIrqs(Vm& vm, KernelApics& apics);

}  // namespace tandem::accel::kvm
