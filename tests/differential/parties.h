#pragma once

#include <array>
#include <memory>

#include "tests/differential/allowance.h"
#include "tests/differential/inputs.h"
#include "tests/rows/compare.h"
#include "tests/rows/native.h"

namespace tandem::cpu {

// All that a piece of code starts from.
struct Start {
  MachineMode mode = MachineMode::kLong;
  std::vector<u8> code;
  CpuState state;
  std::vector<std::byte> data = std::vector<std::byte>(kDataSize);
  std::vector<std::byte> stack = std::vector<std::byte>(kStackSize);
};

// Which engines run beside the interpreter: one of the translators (turn says which), and maybe
// KVM.
struct Lineup {
  u64 turn = 0;
  bool has_kvm = false;
};

// The host and the engines, each with its own copy of the tested code and its memory. One in a
// process: the host's addresses are fixed. Main thread only.
class Parties final : public MemoryWriter {
 public:
  Parties();

  // False: the addresses are taken.
  bool is_usable() const { return native_.is_usable(); }
  bool Has(MachineMode mode) const { return native_.Has(mode); }
  const CpuModel& model();
  // The mode's registers after a reset.
  const CpuState& ResetState(MachineMode mode);

  // The next runs are of this code, by these engines.
  void PutCode(MachineMode mode, std::span<const u8> code, Lineup lineup,
               NativeRunner::End end = NativeRunner::End::kJump);
  std::span<const Side> sides() const { return std::span(kAllSides).first(has_kvm_ ? 3 : 2); }
  bool has_kvm() const { return has_kvm_; }
  // Whether KVM, if it is in the lineup, takes part from here on. Its memory stays as it is.
  void AdmitKvm(bool is_admitted) { has_kvm_ = is_admitted && MachineOf(Side::kKvm) != nullptr; }
  void FillMemory(std::span<const std::byte> data, std::span<const std::byte> stack);
  void Write(u64 linear, std::span<const u8> bytes) override;
  // The engine's memory becomes as the host's.
  void TakeHostMemory(Side side);
  // The host's alone, or KVM's.
  static void WriteHost(u64 linear, u32 value);
  void WriteKvm(u64 linear, u32 value);
  // Linear address of the memory operand.
  u64 OperandAddress(const Inst& inst, const CpuState& state) const;
  // As the host has it.
  void CopyMemory(std::vector<std::byte>& data, std::vector<std::byte>& stack) const;

  struct End {
    Exceptions exception;
    const CpuState* state;
  };
  EngineKind EngineOf(Side side) { return MachineOf(side)->kind(); }
  End RunHost(const CpuState& start);
  End Run(Side side, const CpuState& start);

  // On this thread, where the host runs.
  void KvmHasRun() { native_.KvmHasRun(); }

  // Whether an engine's memory is the host's within data and stack, all of it or near places.
  bool HasSameMemory(Side side);
  bool HasSameMemoryNear(Side side, Window data, u64 stack);
  std::string CompareMemory(Side side);

 private:
  struct Group {
    std::unique_ptr<Machine> interpreter;
    std::vector<std::unique_ptr<Machine>> translators;
    std::unique_ptr<Machine> kvm;  // made when it first has its turn
    CpuState reset;
  };

  Group& GroupOf(MachineMode mode);
  static Machine& KvmOf(Group& group, MachineMode mode);
  Machine*& MachineOf(Side side) { return machines_[static_cast<size_t>(side)]; }
  template <typename Action>
  void ForEachEngine(Action action) {
    for (const Side side : sides()) {
      action(*MachineOf(side));
    }
  }
  std::span<const std::byte> HostBytes(u64 linear, u64 size) const;

  static constexpr std::array<Side, kSides> kAllSides{Side::kInterpreter, Side::kTranslator,
                                                      Side::kKvm};
  NativeRunner native_;
  std::array<Group, 6> groups_;              // by MachineMode
  std::array<Machine*, kSides> machines_{};  // of the code that was put
  bool has_kvm_ = false;                     // and it takes part
  CpuState host_state_;
};

}  // namespace tandem::cpu
