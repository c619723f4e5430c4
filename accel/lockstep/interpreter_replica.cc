#include "accel/lockstep/replica.h"
#include "cpu/exec/interpreter.h"

namespace tandem::accel::lockstep {
namespace {

class InterpreterReplica final : public Replica {
 public:
  InterpreterReplica(const cpu::CpuModel& model, const VcpuEnv& env)
      : interpreter_(std::make_unique<cpu::Interpreter>(cpu::Interpreter::Parts{
            state_, model, env.memory, env.ports, env.irqs.Apic(0), env.clock, 0})) {}

  const char* Name() const override { return "interp"; }
  Strictness HowStrict() const override { return Strictness::kAll; }
  const cpu::CpuState& State() override { return state_; }
  void Load(const cpu::CpuState& state) override {
    state_ = state;
    interpreter_->StateChanged();
  }
  void SetTarget(const cpu::CpuState&) override {}  // its steps are small enough
  bool Step() override;
  const std::string& defect() const override { return defect_; }
  void TakeInterrupt(u8 vector) override {
    state_.activity = cpu::Activity::kRunning;
    interpreter_->TakeInterrupt(vector);
  }
  void TakeNmi() override {
    state_.activity = cpu::Activity::kRunning;
    interpreter_->TakeNmi();
  }

 private:
  cpu::CpuState state_;
  std::unique_ptr<cpu::Interpreter> interpreter_;
  std::string defect_;
};

bool InterpreterReplica::Step() {
  if (state_.activity != cpu::Activity::kRunning) {
    defect_ = state_.activity == cpu::Activity::kHalted ? "it has halted" : "it has shut down";
    return false;
  }
  if (interpreter_->mmu().FlushIsRequested()) {
    interpreter_->mmu().ServeFlushRequest();
  }
  interpreter_->ExecuteOne();
  return true;
}

}  // namespace

std::unique_ptr<Replica> MakeInterpreterReplica(const cpu::CpuModel& model, const VcpuEnv& env) {
  return std::make_unique<InterpreterReplica>(model, env);
}

}  // namespace tandem::accel::lockstep
