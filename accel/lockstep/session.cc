#include "accel/lockstep/session.h"

#include <fmt/format.h>

namespace tandem::accel::lockstep {
namespace {

using cpu::CpuState;

// Far more than there are between two places.
constexpr u64 kMostSteps = 20'000;
// Instructions until counted time is brought up to date.
constexpr u64 kTimeSlice = 500;

u64 CountOf(const CpuState& state) { return state.gpr[cpu::kRcx]; }

}  // namespace

Session::Session(World& world, Replica& replica, const cpu::CpuModel& model, const Limits& limits,
                 devices::InstructionClock* icount, std::function<void()> stop)
    : world_(world),
      replica_(replica),
      model_(model),
      limits_(limits),
      icount_(icount),
      stop_(std::move(stop)) {}

void Session::Begin(const CpuState& master) {
  world_.Open();
  replica_.Load(master);
  agreed_ = master;
  may_stay_ = true;
  next_ram_check_ = progress_.instructions + limits_.ram_check_interval;
}

void Session::OnEntered(const CpuState& state) { (void)Meet(state, false); }

void Session::OnStep(const CpuState& state) { (void)Meet(state, true); }

void Session::OnEvent(const CpuState& master) {
  may_stay_ = true;
  (void)Meet(master, true);
  may_stay_ = true;
}

void Session::OnInterrupt(const CpuState& master, u8 vector) {
  may_stay_ = true;
  if (Meet(master, true)) {
    replica_.TakeInterrupt(vector);
    may_stay_ = true;
  }
}

void Session::OnNmi(const CpuState& state) {
  may_stay_ = true;
  if (Meet(state, true)) {
    replica_.TakeNmi();
    may_stay_ = true;
  }
}

// Nothing else has been executed since the last place.
void Session::OnReset(const CpuState& state) {
  if (failure_ == nullptr && world_.journal().IsOpen()) {
    Begin(state);
  }
}

// False: they have parted, or had before.
bool Session::Meet(const CpuState& master, bool is_event) {
  if (failure_ != nullptr || !world_.journal().IsOpen()) {
    return false;
  }
  if (!Follow(master)) {
    Fail(master);
    return false;
  }
  Agree(master, is_event);
  return failure_ == nullptr;
}

// To the next time that the replica is where the master is and has all that the master has.
bool Session::Follow(const CpuState& master) {
  memory_difference_.reset();
  replica_.SetTarget(master);
  if (std::exchange(may_stay_, false) && HasMet(master)) {
    return true;
  }
  for (u64 steps = 0; steps < kMostSteps; ++steps) {
    if (!StepTowards(master) || !world_.journal().defect().empty()) {
      return false;
    }
    if (HasMet(master)) {
      return true;
    }
  }
  return false;
}

bool Session::HasMet(const CpuState& master) {
  const CpuState& state = replica_.State();
  if (state.rip != master.rip) {
    return false;
  }
  world_.journal().ApplyPassive();
  if (!world_.journal().IsExhausted() || !IsSame(master, state, replica_.HowStrict())) {
    return false;
  }
  memory_difference_ = world_.FindDifference(/*anywhere=*/false);
  return !memory_difference_;
}

bool Session::StepTowards(const CpuState& master) {
  const CpuState& state = replica_.State();
  ++progress_.instructions;
  ++unpassed_;
  if (state.rip == master.rip && CountOf(state) > CountOf(master) && FinishIterations(master)) {
    return true;
  }
  return replica_.Step();
}

// The master was interrupted in the midst of a repeated instruction: the replica executes as many
// iterations, as an instruction of its own.
bool Session::FinishIterations(const CpuState& master) {
  CpuState state = replica_.State();
  const CodeReader reader(state, model_, *world_.ReplicaEnv().memory.View());
  if (!reader.IsRepeatedAt(state.rip)) {
    return false;
  }
  const u64 behind = state.rip + reader.LengthAt(state.rip);
  const u64 left = CountOf(master);
  state.gpr[cpu::kRcx] -= left;
  replica_.Load(state);
  for (u64 steps = 0; steps < kMostSteps && replica_.State().rip == master.rip; ++steps) {
    if (!replica_.Step()) {
      return true;
    }
  }
  state = replica_.State();
  state.gpr[cpu::kRcx] += left;
  state.rip = state.rip == behind ? master.rip : state.rip;
  replica_.Load(state);
  return true;
}

void Session::Agree(const CpuState& master, bool is_event) {
  world_.Settle();
  agreed_ = replica_.State();
  agreed_instructions_ = progress_.instructions;
  if (!master.In64BitMode() && agreed_.gpr != master.gpr) [[unlikely]] {
    agreed_.gpr = master.gpr;  // upper halves
    replica_.Load(agreed_);
  }
  ++progress_.places;
  history_.Add({master.rip, progress_.instructions, CodeMode(master), is_event});
  if (unpassed_ >= kTimeSlice) {
    PassTime();
  }
  if (progress_.instructions >= next_ram_check_) {
    CheckRam();
  }
  if (limits_.instructions != 0 && progress_.instructions >= limits_.instructions &&
      !has_reached_limit_) {
    CheckRam();
    has_reached_limit_ = failure_ == nullptr;
    stop_();
  }
}

void Session::PassTime() {
  const u64 passed = std::exchange(unpassed_, 0);
  if (icount_ != nullptr) {
    icount_->Advance(passed);
  }
}

// What the master wrote and the replica did not.
void Session::CheckRam() {
  next_ram_check_ = progress_.instructions + limits_.ram_check_interval;
  ++progress_.ram_checks;
  memory_difference_ = world_.FindDifference(/*anywhere=*/true);
  if (memory_difference_) {
    Fail(agreed_);
    failure_->is_stray = true;
  }
}

void Session::Fail(const CpuState& master) {
  failure_ = std::make_unique<Failure>();
  failure_->master = master;
  failure_->agreed = agreed_;
  failure_->instructions = agreed_instructions_;
  failure_->replica_defect =
      world_.journal().defect().empty() ? replica_.defect() : world_.journal().defect();
  failure_->memory = memory_difference_;
  if (memory_difference_) {
    failure_->memory_text = world_.DifferenceText(*memory_difference_);
  }
  stop_();
}

}  // namespace tandem::accel::lockstep
