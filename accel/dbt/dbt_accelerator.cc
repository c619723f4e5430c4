#include "accel/dbt/dbt_accelerator.h"

#include "accel/dbt/dbt_vcpu.h"
#include "base/log.h"
#include "cpu/state/model_parser.h"

namespace tandem::accel {
namespace {

class DbtAccelerator final : public Accelerator {
 public:
  explicit DbtAccelerator(const DbtOptions& options) : options_(options) {}

  cpu::FeatureSet Features() const override { return cpu::InterpreterFeatures(); }

  bool IsNative() const override { return false; }

  Result<KernelIrqs> MakeIrqs(u32) override { return KernelIrqs{}; }

  Result<std::unique_ptr<Vcpu>> MakeVcpu(devices::VcpuId id, const cpu::CpuModel& model,
                                         const VcpuEnv& env) override {
    if (env.icount != nullptr && model.vcpu_count > 1) {
      return Fail("-icount counts the instructions of one processor: use -smp 1 with it");
    }
    if (options_.translates && shared_ == nullptr) {
      shared_ = std::make_shared<jit::SharedCode>(model, jit::Engine::MakeHandlers());
      if (options_.has_precise_flags) {
        shared_->KeepFlagsPrecise();
      }
      if (options_.onlooker != nullptr) {
        shared_->WatchEntries();
      }
      if (options_.max_unit_insts != 0) {
        shared_->LimitUnits(options_.max_unit_insts);
      }
      if (options_.has_perf_map) {
        shared_->OpenPerfMap();
      }
      if (options_.has_gdb_names) {
        shared_->OpenGdbJit();
      }
    }
    return std::unique_ptr<Vcpu>(
        std::make_unique<DbtVcpu>(id, model, env, shared_, options_.onlooker));
  }

  // All time is the machine's clock.
  void StopTime() override {}
  void StartTime() override {}

 private:
  const DbtOptions options_;
  std::shared_ptr<jit::SharedCode> shared_;  // of all vCPUs, which have the same model
};

}  // namespace

std::unique_ptr<Accelerator> MakeDbtAccelerator(const DbtOptions& options) {
  return std::make_unique<DbtAccelerator>(options);
}

}  // namespace tandem::accel
