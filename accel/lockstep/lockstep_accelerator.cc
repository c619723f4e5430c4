#include "accel/lockstep/lockstep_accelerator.h"

#include "accel/lockstep/lockstep_vcpu.h"
#include "base/log.h"
#include "cpu/state/model_parser.h"

namespace tandem::accel {
namespace {

class LockstepAccelerator final : public Accelerator {
 public:
  explicit LockstepAccelerator(LockstepOptions options) : options_(std::move(options)) {}

  cpu::FeatureSet Features() const override;
  bool IsNative() const override { return false; }
  Result<KernelIrqs> MakeIrqs(u32 vcpus) override;
  Result<std::unique_ptr<Vcpu>> MakeVcpu(devices::VcpuId id, const cpu::CpuModel& model,
                                         const VcpuEnv& env) override;
  // All time is the machine's clock.
  void StopTime() override {}
  void StartTime() override {}

 private:
  std::shared_ptr<lockstep::World> world_;  // outlives the replica's accelerator
  const LockstepOptions options_;
};

// What both have, without random numbers, which no two engines share.
cpu::FeatureSet LockstepAccelerator::Features() const {
  cpu::FeatureSet features = cpu::InterpreterFeatures();
  if (options_.replica != nullptr) {
    features &= options_.replica->Features();
  }
  features.reset(static_cast<size_t>(cpu::Feature::kRdrand));
  features.reset(static_cast<size_t>(cpu::Feature::kRdseed));
  return features;
}

Result<KernelIrqs> LockstepAccelerator::MakeIrqs(u32 vcpus) {
  return options_.replica != nullptr ? options_.replica->MakeIrqs(vcpus) : KernelIrqs{};
}

Result<std::unique_ptr<Vcpu>> LockstepAccelerator::MakeVcpu(devices::VcpuId,
                                                            const cpu::CpuModel& model,
                                                            const VcpuEnv& env) {
  if (model.vcpu_count > 1) {
    return Fail("lockstep= follows one processor: use -smp 1 with it");
  }
  auto made = lockstep::LockstepVcpu::Make(options_, model, env);
  if (!made) {
    return made.error();
  }
  world_ = (*made)->world();
  return std::unique_ptr<Vcpu>(*std::move(made));
}

}  // namespace

std::unique_ptr<Accelerator> MakeLockstepAccelerator(LockstepOptions options) {
  return std::make_unique<LockstepAccelerator>(std::move(options));
}

}  // namespace tandem::accel
