#include "accel/dbt/dbt_accelerator.h"

#include "accel/dbt/dbt_vcpu.h"
#include "base/log.h"
#include "cpu/state/model_parser.h"

namespace tandem::accel {
namespace {

class DbtAccelerator final : public Accelerator {
 public:
  explicit DbtAccelerator(bool translates) : translates_(translates) {}

  cpu::FeatureSet Features() const override { return cpu::InterpreterFeatures(); }

  std::unique_ptr<devices::IrqChip> MakeIrqChip(devices::CpuSignals&) override { return nullptr; }

  Result<std::unique_ptr<Vcpu>> MakeVcpu(devices::VcpuId id, const cpu::CpuModel& model,
                                         const VcpuEnv& env) override {
    if (env.icount != nullptr && model.vcpu_count > 1) {
      return Fail("-icount counts the instructions of one processor: use -smp 1 with it");
    }
    if (translates_ && shared_ == nullptr) {
      shared_ = std::make_shared<jit::SharedCode>(model, jit::Engine::MakeHandlers());
    }
    return std::unique_ptr<Vcpu>(std::make_unique<DbtVcpu>(id, model, env, shared_));
  }

 private:
  const bool translates_;
  std::shared_ptr<jit::SharedCode> shared_;  // of all vCPUs, which have the same model
};

}  // namespace

std::unique_ptr<Accelerator> MakeDbtAccelerator(bool translates) {
  return std::make_unique<DbtAccelerator>(translates);
}

}  // namespace tandem::accel
