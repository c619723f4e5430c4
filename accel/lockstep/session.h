#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "accel/lockstep/history.h"
#include "accel/lockstep/replica.h"
#include "accel/lockstep/world.h"
#include "jit/engine/onlooker.h"

namespace tandem::accel::lockstep {

// How far the engines came.
struct Progress {
  u64 instructions = 0;  // of the replica; a repeated one counts each time that it goes on
  u64 places = 0;        // at which they agreed
  u64 ram_checks = 0;    // of all memory
};

// Where the engines parted.
struct Failure {
  cpu::CpuState master;           // the state that the replica did not come to
  cpu::CpuState agreed;           // the last one that both had
  u64 instructions = 0;           // until then
  std::string replica_defect;     // why the replica could not go on; empty: it could
  std::optional<RamSpan> memory;  // differs although all registers agree
  bool is_stray = false;          // ... somewhere, since some time
  std::string memory_text;
};

// Lets the replica follow the master from place to place, and compares. On the vCPU's thread.
class Session final : public jit::Onlooker {
 public:
  struct Limits {
    u64 instructions = 0;                 // after which the master is stopped; 0: none
    u64 ram_check_interval = 10'000'000;  // instructions between two looks at all memory
  };

  // stop: makes the master leave its code soon. All references outlive the session.
  Session(World& world, Replica& replica, const cpu::CpuModel& model, const Limits& limits,
          devices::InstructionClock* icount, std::function<void()> stop);

  // The master has this state; the replica takes it over.
  void Begin(const cpu::CpuState& master);
  // The master has left its code.
  void OnExit(const cpu::CpuState& master) { OnEvent(master); }
  void OnInterrupt(const cpu::CpuState& master, u8 vector);
  // All of it; the engines agree otherwise.
  void CheckRam();

  void OnEntered(const cpu::CpuState& state) override;
  void OnStep(const cpu::CpuState& state) override;
  void OnStanding() override { may_stay_ = true; }
  void OnNmi(const cpu::CpuState& state) override;
  void OnReset(const cpu::CpuState& state) override;

  const Failure* failure() const { return failure_.get(); }
  bool HasReachedLimit() const { return has_reached_limit_; }
  const Progress& progress() const { return progress_; }
  const History& history() const { return history_; }
  Replica& replica() { return replica_; }

 private:
  bool Meet(const cpu::CpuState& master, bool is_event);
  void OnEvent(const cpu::CpuState& master);
  bool Follow(const cpu::CpuState& master);
  bool HasMet(const cpu::CpuState& master);
  bool StepTowards(const cpu::CpuState& master);
  bool FinishIterations(const cpu::CpuState& master);
  void Agree(const cpu::CpuState& master, bool is_event);
  void PassTime();
  void Fail(const cpu::CpuState& master);

  World& world_;
  Replica& replica_;
  const cpu::CpuModel& model_;
  const Limits limits_;
  devices::InstructionClock* const icount_;  // null: time goes on by itself
  const std::function<void()> stop_;

  bool may_stay_ = false;  // the next place may be the one where the replica is
  cpu::CpuState agreed_;
  u64 agreed_instructions_ = 0;
  History history_;
  Progress progress_;
  u64 unpassed_ = 0;  // instructions that icount_ does not know of yet
  u64 next_ram_check_ = 0;
  bool has_reached_limit_ = false;
  std::optional<RamSpan> memory_difference_;
  std::unique_ptr<Failure> failure_;
};

}  // namespace tandem::accel::lockstep
