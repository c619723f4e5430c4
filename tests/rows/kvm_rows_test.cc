#include <filesystem>
#include <map>

#include "tests/rows/kvm_allowance.h"
#include "tests/rows/kvm_engine.h"
#include "tests/rows/row_run.h"

// After our headers: it has a CHECK of its own.
#include <doctest/doctest.h>

namespace tandem::cpu {
namespace {

// Runs rows on the host's KVM.
class KvmRunner {
 public:
  void Run(const Row& row) {
    Machine& machine = MachineOf(row.mode);
    if (!IsOffered(machine.model(), row)) {
      ++lacking_;
      return;
    }
    ++count_;
    Exceptions ended;
    const std::string problems =
        RunRow(machine, row, row.code, CountOf(row), "  on KVM:\n", &ended);
    const auto reason = problems.empty() ? std::nullopt : ReasonFor(row, ended, machine.state());
    if (reason) {
      ++allowed_[KvmAllowanceName(*reason)];
      return;
    }
    const std::string failure = problems.empty() ? ""
                                                 : row.file + ":" + std::to_string(row.line) +
                                                       ": " + row.text + "\n" + problems;
    CHECK_MESSAGE(failure.empty(), failure);
  }

  void Tell() const {
    size_t allowed = 0;
    for (const auto& [reason, count] : allowed_) {
      MESSAGE("allowed " << count << ": " << reason);
      allowed += count;
    }
    MESSAGE(count_ << " rows on KVM, " << allowed << " of them allowed to fail; " << lacking_
                   << " not run: the host lacks a feature");
    CHECK(count_ > 0);
  }

 private:
  static std::optional<size_t> ReasonFor(const Row& row, const Exceptions& ended,
                                         const CpuState& state) {
    const Item* const vector = row.FindOut("vec");
    const Exceptions wanted =
        vector == nullptr ? std::nullopt : Exceptions(Machine::Exception{vector->value[0]});
    const bool is_user = IsUnderLongMode(row.mode) && !row.is_privileged;
    for (const Inst& inst : InstructionsOf(row)) {
      if (const auto reason = FindKvmAllowance({row.mode, is_user, inst, wanted, ended, state})) {
        return reason;
      }
    }
    return std::nullopt;
  }

  Machine& MachineOf(MachineMode mode) {
    std::unique_ptr<Machine>& slot = machines_[mode];
    if (slot == nullptr) {
      slot = std::make_unique<Machine>(mode, EngineKind::kKvm);
    }
    return *slot;
  }

  std::map<MachineMode, std::unique_ptr<Machine>> machines_;
  size_t count_ = 0, lacking_ = 0;
  std::map<std::string, size_t> allowed_;
};

TEST_CASE("rows: every line of tests/rows/*.txt holds on KVM" * doctest::skip(!KvmEngine::IsThere())) {
  KvmRunner runner;
  std::vector<std::string> errors;
  for (const auto& entry : std::filesystem::directory_iterator("tests/rows")) {
    if (entry.path().extension() != ".txt") {
      continue;
    }
    for (const Row& row : ReadRows(entry.path().string(), errors)) {
      runner.Run(row);
    }
  }
  CHECK(errors.empty());
  runner.Tell();
}

TEST_CASE("rows: code that comes to no HLT on KVM ends all the same" * doctest::skip(!KvmEngine::IsThere())) {
  Machine machine(MachineMode::kProtected32, EngineKind::kKvm);
  machine.PutCode(std::vector<u8>{0xeb, 0xfe});  // JMP to itself
  const auto endless = machine.RunToEnd(1);
  REQUIRE(endless.has_value());
  CHECK_EQ(endless->vector, Machine::kNoEnd);

  machine.Reset();
  machine.state().idtr.limit = 0;
  machine.PutCode(std::vector<u8>{0x0f, 0x0b});  // UD2, whose triple fault shuts down
  const auto shutdown = machine.RunToEnd(1);
  REQUIRE(shutdown.has_value());
  CHECK_EQ(shutdown->vector, Machine::kNoEnd);

  machine.Reset();
  machine.PutCode(std::vector<u8>{0x40});  // INC EAX: the next run is as any other
  CHECK(!machine.RunToEnd(1).has_value());
  CHECK_EQ(machine.state().gpr[kRax], 1);
}

}  // namespace
}  // namespace tandem::cpu
