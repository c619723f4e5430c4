#include "accel/lockstep/lockstep_vcpu.h"

#include "accel/dbt/dbt_accelerator.h"
#include "accel/lockstep/report.h"
#include "base/log.h"

namespace tandem::accel::lockstep {
namespace {

// Flags that are overwritten before any use are right, too: they are compared.
std::unique_ptr<Accelerator> MakeMaster(jit::Onlooker& onlooker, size_t max_unit_insts) {
  return MakeDbtAccelerator(
      {.has_precise_flags = true, .onlooker = &onlooker, .max_unit_insts = max_unit_insts});
}

}  // namespace

LockstepVcpu::LockstepVcpu(const LockstepOptions& options, const cpu::CpuModel& model,
                           const VcpuEnv& env)
    : options_(options),
      model_(model),
      env_(env),
      shared_world_(std::make_shared<World>(
          env, /*is_stepped=*/options.replica != nullptr,
          [this](u8 vector) { session_->OnInterrupt(MasterState(), vector); })) {}

LockstepVcpu::~LockstepVcpu() {
  if (session_ != nullptr && session_->failure() == nullptr) {
    Note("lockstep: {} instructions, dbt and {} agreed at {} places and {} times in all memory",
         session_->progress().instructions, replica_->Name(), session_->progress().places,
         session_->progress().ram_checks);
  }
}

Result<void> LockstepVcpu::MakeEngines() {
  if (options_.replica == nullptr) {
    replica_ = options_.make_interpreter(model_, world_.ReplicaEnv());
  } else {
    auto made = MakeSteppedReplica(*options_.replica, "kvm", model_, world_.ReplicaEnv());
    if (!made) {
      return made.error();
    }
    replica_ = std::move(*made);
  }
  session_ = std::make_unique<Session>(world_, *replica_, model_,
                                       Session::Limits{.instructions = options_.instructions},
                                       env_.icount, [this] { master_->Kick(); });
  dbt_ = MakeMaster(*session_, 0);
  auto master = dbt_->MakeVcpu(0, model_, world_.MasterEnv());
  if (!master) {
    return master.error();
  }
  master_ = std::move(*master);
  return {};
}

Result<std::unique_ptr<LockstepVcpu>> LockstepVcpu::Make(const LockstepOptions& options,
                                                         const cpu::CpuModel& model,
                                                         const VcpuEnv& env) {
  std::unique_ptr<LockstepVcpu> made(new LockstepVcpu(options, model, env));
  if (const Result<void> done = made->MakeEngines(); !done) {
    return done.error();
  }
  return made;
}

void LockstepVcpu::Load(const cpu::CpuState& state) {
  world_.Close();
  master_->Load(state);
  is_new_ = true;
}

const cpu::CpuState& LockstepVcpu::MasterState() {
  master_->Save(master_state_);
  return master_state_;
}

// While it stands still others may write to memory: a fresh start each time.
Exit LockstepVcpu::Run() {
  while (session_->failure() == nullptr) {
    if (std::exchange(is_new_, false)) {
      session_->Begin(MasterState());
    }
    Exit exit = master_->Run();
    session_->OnExit(MasterState());
    if (session_->failure() != nullptr) {
      break;
    }
    if (session_->HasReachedLimit()) {
      world_.Close();
      options_.on_limit();
      return Kicked{};
    }
    const bool is_halted = std::holds_alternative<Halted>(exit);
    if (is_halted && env_.icount != nullptr && env_.icount->WarpToNextDeadline()) {
      continue;
    }
    session_->CheckRam();
    if (session_->failure() != nullptr) {
      break;
    }
    world_.Close();
    is_new_ = true;
    return exit;
  }
  return Report();
}

Fatal LockstepVcpu::Report() {
  Search search(world_, *replica_, model_, *session_->failure(), &MakeMaster);
  std::optional<Culprit> culprit;
  if (!session_->failure()->is_stray) {
    culprit = search.Find();
  }
  world_.Close();
  return {ReportText(*session_, *replica_, model_, search, culprit,
                     *world_.ReplicaEnv().memory.View())};
}

}  // namespace tandem::accel::lockstep
