#pragma once

#include <memory>

#include "accel/lockstep/culprit.h"
#include "accel/lockstep/lockstep_accelerator.h"
#include "accel/lockstep/session.h"

namespace tandem::accel::lockstep {

// The translator's vCPU with another engine behind it.
class LockstepVcpu final : public Vcpu {
 public:
  static Result<std::unique_ptr<LockstepVcpu>> Make(const LockstepOptions& options,
                                                    const cpu::CpuModel& model,
                                                    const VcpuEnv& env);
  ~LockstepVcpu() override;

  // What the replica sees, which its accelerator may follow until it goes itself.
  std::shared_ptr<World> world() const { return shared_world_; }

  Exit Run() override;
  void Kick() noexcept override { master_->Kick(); }
  void Signal(SignalKind kind, u8 vector) noexcept override { master_->Signal(kind, vector); }
  void Save(cpu::CpuState& state) const override { master_->Save(state); }
  void Load(const cpu::CpuState& state) override;
  void SetDebug(const DebugSpec& spec) override { master_->SetDebug(spec); }

 private:
  LockstepVcpu(const LockstepOptions& options, const cpu::CpuModel& model, const VcpuEnv& env);
  Result<void> MakeEngines();
  const cpu::CpuState& MasterState();
  Fatal Report();

  const LockstepOptions& options_;
  const cpu::CpuModel& model_;
  const VcpuEnv env_;
  const std::shared_ptr<World> shared_world_;
  World& world_ = *shared_world_;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Accelerator> dbt_;
  std::unique_ptr<Vcpu> master_;
  cpu::CpuState master_state_;  // for MasterState
  bool is_new_ = true;          // memory and state were changed from outside
};

}  // namespace tandem::accel::lockstep
