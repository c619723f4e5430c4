#include "accel/lockstep/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace tandem::accel::lockstep {
namespace {

using cpu::CpuState;
using CodeAt = std::function<std::string(const CpuState&)>;

std::string DifferenceLines(const CpuState& master, const CpuState& replica,
                            const Replica& engine) {
  std::string text;
  for (const Difference& difference : FindDifferences(master, replica, engine.HowStrict())) {
    text += fmt::format("  {}:\n    dbt    {}\n    {:6} {}\n", difference.name, difference.master,
                        engine.Name(), difference.replica);
  }
  return text;
}

std::string RegisterLines(const CpuState& state) {
  static constexpr const char* kNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                           "r8 ", "r9 ", "r10", "r11", "r12", "r13", "r14", "r15"};
  std::string text;
  for (size_t i = 0; i < std::size(kNames); ++i) {
    text += fmt::format("{}{} {:016x}{}", i % 4 == 0 ? "  " : " ", kNames[i], state.gpr[i],
                        i % 4 == 3 ? "\n" : "");
  }
  return text + fmt::format("  rflags {:x} {}, cr0 {:x}, cr3 {:x}, cr4 {:x}, efer {:x}, cpl {}\n",
                            state.rflags, FlagNames(state.rflags), state.cr0, state.cr3, state.cr4,
                            state.msr.efer, state.cpl);
}

// The instructions since the engines agreed; at most a few behind the marked one.
std::string PathLines(const std::vector<CpuState>& path, size_t marked, const CodeAt& code_at) {
  constexpr size_t kMostLines = 48, kBehind = 3;
  const size_t end = std::min(path.size(), marked + 1 + kBehind);
  std::string text;
  for (size_t i = end - std::min(end, kMostLines); i < end; ++i) {
    text += fmt::format("  {} {}\n", i == marked ? ">" : " ", code_at(path[i]));
  }
  return text;
}

std::string CulpritLines(const Culprit& culprit, const Replica& replica, const CodeAt& code_at) {
  const std::string shown =
      culprit.together == 1
          ? std::string()
          : fmt::format("; seen when {} are translated together", culprit.together);
  std::string text =
      fmt::format("The instruction ({} behind the last place that agreed{}):\n  {}\n",
                  culprit.index, shown, code_at(culprit.before));
  text += "Differences behind it:\n" + DifferenceLines(culprit.master, culprit.replica, replica);
  text += culprit.defect.empty() ? "" : "  memory: " + culprit.defect + "\n";
  return text + "Registers in front of it:\n" + RegisterLines(culprit.before);
}

}  // namespace

std::string ReportText(const Session& session, const Replica& replica, const cpu::CpuModel& model,
                       const Search& search, const std::optional<Culprit>& culprit,
                       const devices::FlatView& view) {
  const Failure& failure = *session.failure();
  const CodeAt code_at = [&](const CpuState& state) {
    return CodeReader(state, model, view).InstructionAt(state.rip);
  };
  std::string text = fmt::format(
      "lockstep: dbt and {} differ after {} instructions; {} places agreed\n", replica.Name(),
      failure.instructions + (culprit ? culprit->index : 0), session.progress().places);
  if (failure.is_stray) {
    text += "Memory differs that the last instructions did not write.\n";
  } else if (culprit) {
    text += CulpritLines(*culprit, replica, code_at);
  } else {
    text += fmt::format(
        "No single instruction shows it when they are executed once more.\n"
        "Differences where it was found, the dbt at\n  {}\n{}",
        code_at(failure.master), DifferenceLines(failure.master, search.path().back(), replica));
  }
  if (!failure.memory_text.empty()) {
    text += "  memory: " + failure.memory_text + "\n";
  }
  if (!failure.replica_defect.empty()) {
    text += fmt::format("  {}: {}\n", replica.Name(), failure.replica_defect);
  }
  if (!failure.is_stray) {
    text += fmt::format(
        "Instructions since both agreed, by {}:\n{}", replica.Name(),
        PathLines(search.path(), culprit ? culprit->index : search.path().size(), code_at));
  }
  return text +
         "Places that agreed, with the count of instructions (*: interrupt, fault or "
         "interpreted):\n" +
         session.history().Text(CodeReader(failure.agreed, model, view));
}

}  // namespace tandem::accel::lockstep
