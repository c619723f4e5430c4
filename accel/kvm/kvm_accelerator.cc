#include "accel/kvm/kvm_accelerator.h"

#include <algorithm>
#include <vector>

#include "accel/kvm/cpuid.h"
#include "accel/kvm/doorbells.h"
#include "accel/kvm/host.h"
#include "accel/kvm/ioctl.h"
#include "accel/kvm/irqfds.h"
#include "accel/kvm/kernel_irqs.h"
#include "accel/kvm/kvm_vcpu.h"
#include "accel/kvm/vm.h"
#include "base/log.h"

namespace tandem::accel {
namespace {

using kvm::KernelApics;
using kvm::KvmVcpu;
using kvm::Vm;

class KvmAccelerator final : public Accelerator {
 public:
  explicit KvmAccelerator(std::unique_ptr<Vm> vm) : vm_(std::move(vm)) {}

  cpu::FeatureSet Features() const override { return kvm::SupportedFeatures(*vm_); }

  bool IsNative() const override { return true; }

  Result<KernelIrqs> MakeIrqs(u32) override;

  Result<std::unique_ptr<Vcpu>> MakeVcpu(devices::VcpuId id, const cpu::CpuModel& model,
                                         const VcpuEnv& env) override;
  void StopTime() override;
  void StartTime() override;

 private:
  void Follow(const VcpuEnv& env);

  const std::unique_ptr<Vm> vm_;
  kvm::Routing routing_{*vm_};
  KernelApics apics_{*vm_, routing_};
  kvm::Irqfds irqfds_{*vm_, routing_};
  std::vector<std::unique_ptr<kvm::KernelDoorbells>> doorbells_;  // of memory and ports
  std::vector<int> vcpu_fds_;
  std::optional<u64> clock_ns_;  // kvmclock's, while it stands
};

Result<KernelIrqs> KvmAccelerator::MakeIrqs(u32) {
  auto irqs = kvm::MakeKernelIrqs(*vm_, apics_, routing_);
  if (irqs && vm_->options().irqchip != KernelIrqchip::kOff) {
    irqs->events = &irqfds_;
  }
  return irqs;
}

void KvmAccelerator::Follow(const VcpuEnv& env) {
  vm_->slots().Follow(env.memory);
  const bool takes_any_size = vm_->Extension(KVM_CAP_IOEVENTFD_ANY_LENGTH) > 0;
  for (devices::AddressSpace* const space : {&env.memory, &env.ports}) {
    doorbells_.push_back(std::make_unique<kvm::KernelDoorbells>(
        vm_->fd(), *space, /*is_ports=*/space == &env.ports, takes_any_size));
  }
}

Result<std::unique_ptr<Vcpu>> KvmAccelerator::MakeVcpu(devices::VcpuId id,
                                                       const cpu::CpuModel& model,
                                                       const VcpuEnv& env) {
  if (env.icount != nullptr) {
    return Fail("-icount counts instructions, which KVM does not: use -accel dbt with it");
  }
  if (!vm_->slots().is_following()) {
    Follow(env);
  }
  auto vcpu = KvmVcpu::Create(*vm_, apics_, id, model, env);
  if (!vcpu) {
    return vcpu.error();
  }
  vcpu_fds_.push_back((*vcpu)->fd());
  if (vm_->options().irqchip != KernelIrqchip::kOff) {
    apics_.Add((*vcpu)->fd());
  }
  return std::unique_ptr<Vcpu>(std::move(*vcpu));
}

// api.rst, KVM_GET_CLOCK: kvmclock goes on while no vCPU runs.
void KvmAccelerator::StopTime() {
  kvm_clock_data clock{};
  if (!clock_ns_ && kvm::Call(vm_->fd(), KVM_GET_CLOCK, &clock) == 0) {
    clock_ns_ = clock.clock;
  }
}

// KVM_KVMCLOCK_CTRL tells guests that have a kvmclock why their watchdogs saw a gap.
void KvmAccelerator::StartTime() {
  if (!clock_ns_) {
    return;
  }
  kvm_clock_data clock{};
  clock.clock = *clock_ns_;
  kvm::MustCall(vm_->fd(), KVM_SET_CLOCK, &clock);
  clock_ns_.reset();
  for (const int fd : vcpu_fds_) {
    (void)kvm::Call(fd, KVM_KVMCLOCK_CTRL, 0);
  }
}

}  // namespace

Result<std::unique_ptr<Accelerator>> MakeKvmAccelerator(const KvmOptions& options) {
  auto vm = Vm::Create(options);
  if (!vm) {
    return vm.error();
  }
  return std::unique_ptr<Accelerator>(std::make_unique<KvmAccelerator>(std::move(*vm)));
}

Result<void> CheckKvmIsFast(const char* path) {
  const auto device = kvm::OpenKvm(path);
  if (!device) {
    return device.error();
  }
  if (!kvm::HostHasVirtualisation()) {
    return Fail(
        "the processor offers neither VMX nor SVM, so that KVM would emulate each "
        "instruction");
  }
  return {};
}

}  // namespace tandem::accel
