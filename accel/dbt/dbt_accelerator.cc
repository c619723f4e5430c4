#include "accel/dbt/dbt_accelerator.h"

#include "accel/dbt/dbt_vcpu.h"
#include "base/log.h"
#include "cpu/state/model_parser.h"

namespace tandem::accel {
namespace {

class DbtAccelerator final : public Accelerator {
 public:
  cpu::FeatureSet Features() const override { return cpu::InterpreterFeatures(); }

  std::unique_ptr<devices::IrqChip> MakeIrqChip(devices::CpuSignals&) override { return nullptr; }

  Result<std::unique_ptr<Vcpu>> MakeVcpu(devices::VcpuId id, const cpu::CpuModel& model,
                                         const VcpuEnv& env) override {
    if (env.icount != nullptr && model.vcpu_count > 1) {
      return Fail("-icount counts the instructions of one processor: use -smp 1 with it");
    }
    return std::unique_ptr<Vcpu>(std::make_unique<DbtVcpu>(id, model, env));
  }
};

}  // namespace

std::unique_ptr<Accelerator> MakeDbtAccelerator() { return std::make_unique<DbtAccelerator>(); }

}  // namespace tandem::accel
