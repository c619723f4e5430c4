#include <algorithm>
#include <filesystem>
#include <map>

#include "tests/rows/compare.h"
#include "tests/rows/native.h"
#include "tests/rows/row_run.h"

// After our headers: it has a CHECK of its own.
#include <doctest/doctest.h>

namespace tandem::cpu {
namespace {

// Runs rows on every engine of our own.
class Runner {
 public:
  void Run(const Row& row) {
    const std::string where = row.file + ":" + std::to_string(row.line) + ": " + row.text + "\n";
    std::string problems = CheckText(row);
    if (!IsOffered(MachineOf(row.mode).model(), row)) {
      MESSAGE(where << "  skipped: the host lacks a feature");
      return;
    }
    problems += RunInterpreter(row) + RunTranslator(row);
    if (problems.empty() && IsForNative(row)) {
      problems = CompareWithNative(row);
    }
    const std::string failure = problems.empty() ? "" : where + problems;
    CHECK_MESSAGE(failure.empty(), failure);
  }

 private:
  // On the host nothing stands at the target of a branch.
  static bool IsForNative(const Row& row) {
    return IsUnderLongMode(row.mode) && !row.is_privileged && row.FindOut("rip") == nullptr;
  }

  Machine& MachineOf(MachineMode mode, EngineKind kind = EngineKind::kInterpreter) {
    std::unique_ptr<Machine>& slot = machines_[{mode, kind}];
    if (slot == nullptr) {
      slot = std::make_unique<Machine>(mode, kind);
    }
    return *slot;
  }

  static std::string CheckText(const Row& row) {
    const std::string text = Disassembly(row);
    return text == row.text ? "" : "  disassembles as: " + text + "\n";
  }

  // Alone, then (but for branches) at the head of a block.
  std::string RunInterpreter(const Row& row) {
    Machine& machine = MachineOf(row.mode);
    const std::string alone =
        RunRow(machine, row, row.code, CountOf(row), "  interpreted alone:\n");
    if (!alone.empty() || row.FindOut("rip") != nullptr || Jumps(row)) {
      return alone;
    }
    std::vector<u8> code = row.code;
    code.insert(code.end(), {0xeb, 0xfe});  // JMP to itself
    return RunRow(machine, row, code, CountOf(row) + 8, "  interpreted in a block:\n");
  }

  std::string RunTranslator(const Row& row) {
    std::string problems;
    for (const EngineKind kind : kTranslators) {
      problems += RunRow(MachineOf(row.mode, kind), HasPreciseFlags(kind) ? row : ForDeadFlags(row),
                         row.code, CountOf(row), NameOf(kind));
    }
    return problems;
  }

  static const char* NameOf(EngineKind kind) {
    switch (kind) {
      case EngineKind::kTranslator:
        return "  translated:\n";
      case EngineKind::kPrecise:
        return "  translated, with precise flags:\n";
      case EngineKind::kPreciseRegions:
        return "  translated as a region, with precise flags:\n";
      default:
        return "  translated as a region:\n";
    }
  }

  // As it holds where flags that are overwritten before any use may be wrong at a fault.
  static Row ForDeadFlags(Row row) {
    if (row.FindOut("vec") != nullptr && InstructionsOf(row).size() > 1) {
      for (const char* flag : {"cf", "pf", "af", "zf", "sf", "of"}) {
        row.out.push_back({flag, {}});
      }
    }
    return row;
  }

  std::string CompareWithNative(const Row& row) {
    if (!native_.is_usable() || !native_.Has(row.mode)) {
      MESSAGE("no native check: the host has no such segments, or addresses are taken");
      return {};
    }
    Machine& machine = MachineOf(row.mode);
    Prepare(row, machine);
    machine.PutCode(row.code);
    auto state = std::make_unique<CpuState>(machine.state());
    std::copy(machine.data().begin(), machine.data().end(), native_.data().begin());
    native_.PutCode(row.mode, row.code);
    const auto wanted = native_.Run(*state);
    const auto exception = machine.RunToEnd(CountOf(row));
    const std::string text = CompareExceptions(wanted, state->cr2, exception, machine.state().cr2) +
                             CompareStates(*state, machine.state()) +
                             CompareBytes("memory", native_.data(), machine.data());
    return text.empty() ? text : "  interpreter against host:\n" + text;
  }

  std::map<std::pair<MachineMode, EngineKind>, std::unique_ptr<Machine>> machines_;
  NativeRunner native_;
};

TEST_CASE("rows: every line of tests/rows/*.txt holds on every engine and on the host") {
  auto runner = std::make_unique<Runner>();
  std::vector<std::string> errors;
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("tests/rows")) {
    if (entry.path().extension() != ".txt") {
      continue;
    }
    for (const Row& row : ReadRows(entry.path().string(), errors)) {
      runner->Run(row);
      ++count;
    }
  }
  for (const std::string& error : errors) {
    CHECK_MESSAGE(false, error);
  }
  MESSAGE(count << " rows");
  CHECK(count > 0);
}

TEST_CASE("rows: without BMI1 an F3 before BSF has no meaning") {
  for (const EngineKind kind :
       {EngineKind::kInterpreter, EngineKind::kTranslator, EngineKind::kRegions}) {
    Machine machine(MachineMode::kLong, kind);
    machine.model().features.reset(static_cast<size_t>(Feature::kBmi1));
    machine.PutCode(std::vector<u8>{0xf3, 0x0f, 0xbc, 0xc1});  // of ECX, into EAX
    machine.state().gpr[kRax] = 5;
    CHECK(!machine.Run(1));
    CHECK_EQ(machine.state().gpr[kRax], 5);
  }
}

}  // namespace
}  // namespace tandem::cpu
