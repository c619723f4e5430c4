#include <fmt/format.h>

#include "accel/lockstep/replica.h"

namespace tandem::accel::lockstep {
namespace {

class SteppedReplica final : public Replica {
 public:
  SteppedReplica(const char* name, std::unique_ptr<Vcpu> vcpu)
      : name_(name), vcpu_(std::move(vcpu)) {
    SetTarget({});
  }

  const char* Name() const override { return name_; }
  Strictness HowStrict() const override { return Strictness::kArchitectural; }
  const cpu::CpuState& State() override;
  void Load(const cpu::CpuState& state) override;
  void SetTarget(const cpu::CpuState& master) override;
  bool Step() override;
  const std::string& defect() const override { return defect_; }
  void TakeInterrupt(u8 vector) override;
  void TakeNmi() override;

 private:
  const char* const name_;
  const std::unique_ptr<Vcpu> vcpu_;
  cpu::CpuState state_;
  bool is_state_new_ = false;  // state_ is what the vCPU has
  std::string defect_;
};

const cpu::CpuState& SteppedReplica::State() {
  if (!is_state_new_) {
    vcpu_->Save(state_);
    is_state_new_ = true;
  }
  return state_;
}

void SteppedReplica::Load(const cpu::CpuState& state) {
  vcpu_->Load(state);
  is_state_new_ = false;
}

void SteppedReplica::SetTarget(const cpu::CpuState& master) {
  const u64 linear = master.In64BitMode()
                         ? master.rip
                         : (master.Seg(cpu::SegReg::kCs).base + master.rip) & 0xffffffff;
  vcpu_->SetDebug({.single_step = true,
                   .breakpoints = {{.kind = BreakpointKind::kExecute, .address = linear}}});
}

bool SteppedReplica::Step() {
  is_state_new_ = false;
  const Exit exit = vcpu_->Run();
  if (std::holds_alternative<Stepped>(exit) || std::holds_alternative<HitBreakpoint>(exit)) {
    return true;
  }
  if (const auto* const fatal = std::get_if<Fatal>(&exit)) {
    defect_ = fatal->message;
  } else {
    defect_ = std::holds_alternative<Halted>(exit) ? "it has halted" : "it has shut down";
  }
  return false;
}

// As if it had been taken from its source by another engine.
void SteppedReplica::TakeInterrupt(u8 vector) {
  cpu::CpuState state = State();
  state.pending_event = {cpu::PendingEvent::Kind::kInterrupt, vector};
  state.activity = cpu::Activity::kRunning;
  Load(state);
}

void SteppedReplica::TakeNmi() { vcpu_->Signal(SignalKind::kNmi, 0); }

}  // namespace

Result<std::unique_ptr<Replica>> MakeSteppedReplica(Accelerator& accelerator, const char* name,
                                                    const cpu::CpuModel& model,
                                                    const VcpuEnv& env) {
  auto vcpu = accelerator.MakeVcpu(0, model, env);
  if (!vcpu) {
    return vcpu.error();
  }
  return std::unique_ptr<Replica>(std::make_unique<SteppedReplica>(name, std::move(*vcpu)));
}

}  // namespace tandem::accel::lockstep
