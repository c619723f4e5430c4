#include <algorithm>
#include <filesystem>
#include <map>

#include "base/bits.h"
#include "cpu/decode/decoder.h"
#include "tests/rows/compare.h"
#include "tests/rows/native.h"
#include "tests/rows/row.h"

// After our headers: it has a CHECK of its own.
#include <doctest/doctest.h>

namespace tandem::cpu {
namespace {

DecodeMode ModeOf(const Row& row) { return {CodeBits(row.mode), row.mode == MachineMode::kReal}; }

// Runs rows on every engine there is.
class Runner {
 public:
  void Run(const Row& row) {
    const std::string where = row.file + ":" + std::to_string(row.line) + ": " + row.text + "\n";
    std::string problems = CheckText(row);
    if (!HostHas(row)) {
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

  // Empty where the bytes are not whole instructions. What follows an undefined one is part of it.
  static std::vector<Inst> InstructionsOf(const Row& row) {
    std::vector<Inst> instructions;
    for (size_t at = 0; at < row.code.size();) {
      Inst inst;
      const auto bytes = std::as_bytes(std::span(row.code)).subspan(at);
      if (Decode(ModeOf(row), bytes, inst) != DecodeStatus::kOk) {
        return {};
      }
      instructions.push_back(inst);
      at = inst.op == Op::kInvalid ? row.code.size() : at + inst.length;
    }
    return instructions;
  }

  // All instructions of the row, "; " between them.
  static std::string CheckText(const Row& row) {
    std::string text;
    size_t at = 0;
    for (const Inst& inst : InstructionsOf(row)) {
      const auto bytes = std::as_bytes(std::span(row.code)).subspan(at);
      const u64 address = LayoutOf(row.mode).code - LayoutOf(row.mode).code_base + at;
      text += (text.empty() ? "" : "; ") + Disassemble(ModeOf(row), bytes, address);
      at += inst.length;
    }
    return text == row.text ? "" : "  disassembles as: " + text + "\n";
  }

  // zmm and k registers, whatever the instruction.
  static bool NamesAvx512(const Row& row) {
    const auto is_avx512 = [](const Item& item) {
      return item.place.starts_with("zmm") || item.place.starts_with("k");
    };
    return std::any_of(row.in.begin(), row.in.end(), is_avx512) ||
           std::any_of(row.out.begin(), row.out.end(), is_avx512);
  }

  bool HostHas(const Row& row) {
    Inst inst;
    (void)Decode(ModeOf(row), std::as_bytes(std::span(row.code)), inst);
    const CpuModel& model = MachineOf(row.mode).model();
    return IsOffered(model, inst) && (model.Has(Feature::kAvx512f) || !NamesAvx512(row));
  }

  // Of the row's instructions, and the handler's HLT after one that completes with an interrupt.
  static u64 CountOf(const Row& row) {
    return InstructionsOf(row).size() + (row.FindOut("vec") != nullptr ? 1 : 0);
  }

  // Several instructions with a branch among them: how many are executed is not known.
  static bool Jumps(const Row& row) {
    const std::vector<Inst> instructions = InstructionsOf(row);
    return instructions.size() > 1 &&
           std::any_of(instructions.begin(), instructions.end(), [](const Inst& inst) {
             return inst.op == Op::kJcc || (inst.op >= Op::kJmp && inst.op <= Op::kJcxz);
           });
  }

  // Alone, then (but for branches) at the head of a block.
  std::string RunInterpreter(const Row& row) {
    Machine& machine = MachineOf(row.mode);
    const std::string alone =
        RunCode(machine, row, row.code, CountOf(row), "  interpreted alone:\n");
    if (!alone.empty() || row.FindOut("rip") != nullptr || Jumps(row)) {
      return alone;
    }
    std::vector<u8> code = row.code;
    code.insert(code.end(), {0xeb, 0xfe});  // JMP to itself
    return RunCode(machine, row, code, CountOf(row) + 8, "  interpreted in a block:\n");
  }

  std::string RunTranslator(const Row& row) {
    std::string problems;
    for (const EngineKind kind : kTranslators) {
      problems +=
          RunCode(MachineOf(row.mode, kind), HasPreciseFlags(kind) ? row : ForDeadFlags(row),
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

  // Where a row that jumps into its data ends on the translator.
  static void PutHlt(const Row& row, Machine& machine) {
    const Item* rip = row.FindOut("rip");
    const u64 at = rip == nullptr || rip->value.empty() ? 0 : LoadLe<u64>(rip->value.data());
    if (at - machine.layout().data < kDataSize) {
      *machine.At(at) = std::byte{0xf4};
    }
  }

  std::string RunCode(Machine& machine, const Row& row, std::span<const u8> code, u64 count,
                      const char* how) {
    Prepare(row, machine);
    machine.PutCode(code);
    PutHlt(row, machine);
    const CpuState before = machine.state();
    const std::vector<std::byte> data(machine.data().begin(), machine.data().end());
    constexpr u64 kMaxInstructions = 10000;
    const auto exception = Jumps(row) ? machine.RunToEnd(kMaxInstructions) : machine.Run(count);
    if (exception && !IsUnderLongMode(row.mode)) {
      machine.state().gpr[kRsp] = before.gpr[kRsp];
    }
    const std::string text = Check(row, before, data, machine.state(), machine.data(), exception);
    return text.empty() ? text : how + text;
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
