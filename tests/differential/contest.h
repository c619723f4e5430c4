#pragma once

#include "tests/differential/allowance.h"
#include "tests/differential/parties.h"

namespace tandem::cpu {

// What an engine did differently.
struct Difference {
  Side side = Side::kInterpreter;
  // In flags alone that the manual leaves undefined.
  bool is_undefined = false;
  std::string text;
};

// Lets all parties run the same code and judges how it ends.
class Contest {
 public:
  explicit Contest(Parties& parties) : parties_(parties) {}

  // Of the code that was put last: only is its only instruction, null for a sequence.
  void Begin(const Inst* only, MachineMode mode, std::span<const u8> code);
  // Runs all. Whether nothing differs; memory is looked at in these places only.
  bool IsEqual(const CpuState& start, Window data, u64 stack_linear);
  // All of it.
  bool HasSameMemory();
  // Who was not equal the last time that one was not.
  Side last_different() const { return last_different_; }
  // Runs all and looks at all of memory.
  std::vector<Difference> Differences(const CpuState& start);
  // All at once, from a start that was kept.
  std::vector<Difference> Differences(const Start& start, const Inst* only, Lineup lineup,
                                      NativeRunner::End end = NativeRunner::End::kJump);

  // Whether the host came to an end of the last run; if not, nothing was compared.
  bool has_ended() const {
    return !host_.exception || host_.exception->vector != NativeRunner::kNoEnd;
  }
  // What the host left of the last run.
  const Ending& host() const { return host_; }
  const AllowanceCounts& allowances() const { return allowances_; }
  void CountKnownOnKvm(size_t kvm_allowance);
  u64 known_on_kvm() const { return known_on_kvm_; }  // cases that differ there as is known

 private:
  void RunHost(const CpuState& start);
  struct Comparison {
    bool is_same = false;  // but for what is allowed, memory aside
    bool ignores_memory = false;
  };
  Comparison Compare(Side side, const CpuState& start);
  bool IsFxsave() const;
  bool KvmMayDiffer();
  void Look(Side side, const CpuState& start, std::vector<Difference>& found);

  Parties& parties_;
  const Inst* only_ = nullptr;
  MachineMode mode_ = MachineMode::kLong;
  std::vector<u8> code_;
  u32 undefined_ = 0;
  Ending host_, wanted_, is_;
  Side last_different_ = Side::kInterpreter;
  AllowanceCounts allowances_{};
  u64 known_on_kvm_ = 0;
};

}  // namespace tandem::cpu
