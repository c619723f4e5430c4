#pragma once

#include <string>

#include "tests/differential/inputs.h"
#include "tests/rows/kvm_allowance.h"
#include "tests/rows/machine.h"

namespace tandem::cpu {

// Texts that describe differences from the interpreter, empty where there is none.
struct NarrowResult {
  std::string translator, kvm;
  std::optional<size_t> known_on_kvm;  // an index for KvmAllowanceName: kvm is empty then
};

// Runs random straight code of 16- and 32-bit modes on the interpreter, the translator and KVM and
// compares what they leave behind.
class NarrowDifferential {
 public:
  // mode: not long mode.
  NarrowDifferential(MachineMode mode, const ValuePool& pool, u64 seed);

  // One trial, the same for the same number.
  NarrowResult Run(u64 number, bool has_kvm);

 private:
  DecodeMode decode_mode() const;
  std::vector<u8> MakeCode();
  std::optional<std::vector<u8>> MakeInstruction();
  bool IsWelcome(const Inst& inst);
  void PutStart(Machine& machine) const;
  void RunInterpreter(std::span<const u8> code);
  std::string Compare(Machine& machine, std::span<const u8> code);
  Machine& Kvm();
  std::optional<size_t> FindKnown(std::span<const u8> code) const;
  std::string Describe(std::span<const u8> code, const std::string& differences) const;

  const MachineMode mode_;
  const ValuePool& pool_;
  const u64 seed_;
  Random random_;
  Machine interpreted_;
  std::vector<std::unique_ptr<Machine>> translators_;
  std::unique_ptr<Machine> kvm_;  // made when it first has its turn
  Exceptions wanted_, is_;        // the interpreter's, and that of who was compared last
  u64 number_ = 0;
  CpuState start_;
  std::vector<std::byte> start_data_ = std::vector<std::byte>(kDataSize);
};

}  // namespace tandem::cpu
