#pragma once

#include <array>
#include <memory>

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

  // The next runs are of this code; turn says which of the translators has them.
  void PutCode(MachineMode mode, std::span<const u8> code, u64 turn,
               NativeRunner::End end = NativeRunner::End::kJump);
  void FillMemory(std::span<const std::byte> data, std::span<const std::byte> stack);
  void Write(u64 linear, std::span<const u8> bytes) override;
  // The engine's memory becomes as the host's.
  void TakeHostMemory(bool is_translator);
  // The host's alone.
  static void WriteHost(u64 linear, u32 value);
  // Linear address of the memory operand.
  u64 OperandAddress(const Inst& inst, const CpuState& state) const;
  // As the host has it.
  void CopyMemory(std::vector<std::byte>& data, std::vector<std::byte>& stack) const;

  struct End {
    Exceptions exception;
    const CpuState* state;
  };
  EngineKind EngineOf(bool is_translator) { return MachineOf(is_translator).kind(); }
  End RunHost(const CpuState& start);
  End RunInterpreter(const CpuState& start) { return Run(*interpreter_, start); }
  End RunTranslator(const CpuState& start) { return Run(*translator_, start); }

  // Whether an engine's memory is the host's within data and stack, all of it or near places.
  bool HasSameMemory(bool is_translator);
  bool HasSameMemoryNear(bool is_translator, Window data, u64 stack);
  std::string CompareMemory(bool is_translator);

 private:
  struct Group {
    std::unique_ptr<Machine> interpreter;
    std::vector<std::unique_ptr<Machine>> translators;
    CpuState reset;
  };

  Group& GroupOf(MachineMode mode);
  Machine& MachineOf(bool is_translator) { return is_translator ? *translator_ : *interpreter_; }
  std::span<const std::byte> HostBytes(u64 linear, u64 size) const;
  static End Run(Machine& machine, const CpuState& start);

  NativeRunner native_;
  std::array<Group, 6> groups_;  // by MachineMode
  Machine* interpreter_ = nullptr;
  Machine* translator_ = nullptr;
  CpuState host_state_;
};

}  // namespace tandem::cpu
