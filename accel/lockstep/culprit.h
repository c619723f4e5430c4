#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "accel/lockstep/session.h"

namespace tandem::accel::lockstep {

// Makes an engine like the master, which translates at most so many instructions together.
using MakeSuspect =
    std::function<std::unique_ptr<Accelerator>(jit::Onlooker& onlooker, size_t max_unit_insts)>;

// The instruction that the engines execute otherwise.
struct Culprit {
  size_t index = 0;               // since the engines agreed
  size_t together = 1;            // how many instructions were translated together to show it
  cpu::CpuState before;           // in front of it: of both
  cpu::CpuState master, replica;  // behind it
  std::string defect;             // what else is wrong: of memory, or of devices
};

// Goes back to where the engines agreed last and executes the instructions behind that place once
// more: by the replica one by one, and by a new engine like the master that translates one at a
// time, then two and so on, until they differ.
class Search {
 public:
  Search(World& world, Replica& replica, const cpu::CpuModel& model, const Failure& failure,
         MakeSuspect make_suspect);

  // Nothing: the new engine does the same as the replica.
  std::optional<Culprit> Find();
  // The states of the replica since the engines agreed, the first of them that one.
  const std::vector<cpu::CpuState>& path() const { return path_; }

 private:
  class Suspect;
  struct Write {
    RamSpan span;
    std::vector<std::byte> bytes;
  };

  void WalkPath();
  std::optional<Culprit> Try(size_t together);
  std::string MemoryDefect(size_t steps) const;
  void RestoreMemory();

  World& world_;
  Replica& replica_;
  const cpu::CpuModel& model_;
  const Failure& failure_;
  const MakeSuspect make_suspect_;
  std::vector<cpu::CpuState> path_;
  std::vector<std::vector<Write>> writes_;  // by step
};

}  // namespace tandem::accel::lockstep
