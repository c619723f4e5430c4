#pragma once

#include <string>

#include "tests/differential/inputs.h"
#include "tests/rows/machine.h"

namespace tandem::cpu {

// Runs random straight code of 16- and 32-bit modes on the interpreter and the translator and
// compares what they leave behind.
class NarrowDifferential {
 public:
  // mode: not long mode.
  NarrowDifferential(MachineMode mode, const ValuePool& pool, u64 seed);

  // One trial, the same for the same number. Text that describes the difference, empty where there
  // is none.
  std::string Run(u64 number);

 private:
  DecodeMode decode_mode() const;
  std::vector<u8> MakeCode();
  std::optional<std::vector<u8>> MakeInstruction();
  bool IsWelcome(const Inst& inst);
  void PutStart(Machine& machine) const;
  std::string RunBoth(std::span<const u8> code);
  std::string Describe(std::span<const u8> code, const std::string& differences) const;

  const MachineMode mode_;
  const ValuePool& pool_;
  const u64 seed_;
  Random random_;
  Machine interpreted_;
  std::vector<std::unique_ptr<Machine>> translators_;
  u64 number_ = 0;
  CpuState start_;
  std::vector<std::byte> start_data_ = std::vector<std::byte>(kDataSize);
};

}  // namespace tandem::cpu
