#include "tests/lockstep/faulty.h"

namespace tandem::accel::tests {
namespace {

class FaultyReplica final : public lockstep::Replica {
 public:
  FaultyReplica(std::unique_ptr<Replica> replica, devices::AddressSpace& memory, u64 address,
                Spoil spoil)
      : replica_(std::move(replica)),
        memory_(memory),
        address_(address),
        spoil_(std::move(spoil)) {}

  const char* Name() const override { return replica_->Name(); }
  lockstep::Strictness HowStrict() const override { return replica_->HowStrict(); }
  const cpu::CpuState& State() override { return replica_->State(); }
  void Load(const cpu::CpuState& state) override { replica_->Load(state); }
  void SetTarget(const cpu::CpuState& master) override { replica_->SetTarget(master); }
  const std::string& defect() const override { return replica_->defect(); }
  void TakeInterrupt(u8 vector) override { replica_->TakeInterrupt(vector); }
  void TakeNmi() override { replica_->TakeNmi(); }

  bool Step() override {
    const bool is_faulty = replica_->State().rip == address_;
    const bool is_done = replica_->Step();
    if (is_faulty && is_done) {
      cpu::CpuState state = replica_->State();
      spoil_(state, *memory_.View());
      replica_->Load(state);
    }
    return is_done;
  }

 private:
  const std::unique_ptr<Replica> replica_;
  devices::AddressSpace& memory_;
  const u64 address_;
  const Spoil spoil_;
};

}  // namespace

MakeReplica MakeFaulty(u64 address, Spoil spoil) {
  return [address, spoil](const cpu::CpuModel& model, const VcpuEnv& env) {
    return std::make_unique<FaultyReplica>(lockstep::MakeInterpreterReplica(model, env), env.memory,
                                           address, spoil);
  };
}

}  // namespace tandem::accel::tests
