#pragma once

#include <map>
#include <memory>
#include <string>

#include "tests/differential/generator.h"
#include "tests/rows/machine.h"
#include "tests/rows/native.h"

namespace tandem::cpu {

// Runs random instructions on the host and on the interpreter and compares all they leave behind.
class Differential {
 public:
  explicit Differential(u64 seed, Choice choice = Choice::kAll);

  bool is_usable() const { return native_.is_usable(); }
  // Runs one trial. Text that describes the difference, empty where there is none.
  std::string RunOne();
  u64 trials() const { return trials_; }
  // How often each instruction was tried, by name.
  const std::map<std::string, u64>& coverage() const { return coverage_; }

 private:
  std::string Describe(const Trial& trial, const std::string& differences) const;

  Random random_;
  const Choice choice_;
  Machine machine_{MachineMode::kLong};
  NativeRunner native_;
  std::unique_ptr<CpuState> start_ = std::make_unique<CpuState>();
  std::unique_ptr<CpuState> native_state_ = std::make_unique<CpuState>();
  u64 trials_ = 0;
  std::map<std::string, u64> coverage_;
};

}  // namespace tandem::cpu
