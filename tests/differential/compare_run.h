#pragma once

#include <map>
#include <memory>
#include <string>

#include "tests/differential/generator.h"
#include "tests/differential/sequence.h"
#include "tests/rows/machine.h"
#include "tests/rows/native.h"

namespace tandem::cpu {

// Runs random instructions on the host, the interpreter and the translator and compares all they
// leave behind.
class Differential {
 public:
  explicit Differential(u64 seed, Choice choice = Choice::kAll);

  bool is_usable() const { return native_.is_usable(); }
  // Runs one instruction. Text that describes the difference, empty where there is none.
  std::string RunOne();
  // Likewise a sequence, cut down to what still differs.
  std::string RunSequence();
  u64 trials() const { return trials_; }
  u64 sequences() const { return sequences_; }
  // How often each instruction was tried, by name.
  const std::map<std::string, u64>& coverage() const { return coverage_; }

 private:
  // only: the code's only instruction; null for a sequence.
  std::string RunAll(std::span<const u8> code, const Inst* only);
  void Forgive(const Inst* only, const std::optional<Machine::Exception>& exception);
  void PutStart(Machine& machine);
  std::string CompareTranslator(const Inst* only,
                                const std::optional<Machine::Exception>& wanted);
  void NextTranslator();
  std::string TrySequence(const Sequence& sequence);
  Sequence Shrink(Sequence sequence);
  std::string Describe(const Trial& trial, const std::string& differences) const;
  std::string Describe(const Sequence& sequence, const std::string& differences) const;

  Random random_;
  const Choice choice_;
  Machine machine_{MachineMode::kLong};
  std::vector<std::unique_ptr<Machine>> translators_;
  Machine* translated_ = nullptr;  // the one whose turn it is
  NativeRunner native_;
  // What every engine starts from.
  std::unique_ptr<CpuState> start_ = std::make_unique<CpuState>();
  std::vector<std::byte> start_data_ = std::vector<std::byte>(kDataSize);
  std::unique_ptr<CpuState> native_state_ = std::make_unique<CpuState>();
  u64 trials_ = 0;
  u64 sequences_ = 0;
  std::map<std::string, u64> coverage_;
};

}  // namespace tandem::cpu
