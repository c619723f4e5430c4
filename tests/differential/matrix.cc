#include "tests/differential/matrix.h"

#include <fmt/format.h>

#include "cpu/state/model_parser.h"
#include "tests/differential/treatment.h"

namespace tandem::cpu {
namespace {

struct Line {
  std::set<u16> mnemonics;
  u64 forms = 0, cases = 0;
  std::array<u64, kSides> hit{}, failed{};  // forms, by Side
  u64 known_on_kvm = 0;                     // forms that failed there as is known only
  u64 not_for_host = 0;
};

// What CPUID calls the instruction's set; the oldest have no flag.
std::string SetOf(const Inst& inst) {
  if (inst.feature != Feature::kCount) {
    return std::string(FeatureName(inst.feature)) + (inst.needs_avx512vl ? " + avx512vl" : "");
  }
  return "(base)";
}

std::string Verdict(const Line& line, Side side) {
  const u64 hit = line.hit[static_cast<size_t>(side)];
  const u64 failed = line.failed[static_cast<size_t>(side)];
  const u64 known = side == Side::kKvm ? line.known_on_kvm : 0;
  if (hit == 0) {
    return "not run";
  }
  std::string text = fmt::format("{} exact", hit - failed - known);
  text += known == 0 ? "" : fmt::format(", {} as known", known);
  return failed == 0 ? text : text + fmt::format(", {} differ", failed);
}

}  // namespace

std::string MatrixText(const std::vector<Form>& forms, const Coverage& coverage,
                       const Failures& failures) {
  std::map<std::string, Line> lines;
  for (size_t i = 0; i < forms.size(); ++i) {
    Line& line = lines[SetOf(forms[i].example)];
    if (NativeTreatmentOf(forms[i].example) == Native::kNever) {
      ++line.not_for_host;
      continue;
    }
    line.mnemonics.insert(forms[i].example.mnemonic);
    ++line.forms;
    line.cases += coverage.CasesOf(i);
    const bool has_failed_on_kvm =
        failures.of[static_cast<size_t>(Side::kKvm)].count(forms[i].name) != 0;
    line.known_on_kvm += coverage.IsKnownOnKvm(i) && !has_failed_on_kvm ? 1 : 0;
    for (size_t side = 0; side < kSides; ++side) {
      line.hit[side] += coverage.WasHit(i, static_cast<Side>(side)) ? 1 : 0;
      line.failed[side] += failures.of[side].count(forms[i].name);
    }
  }
  std::string text =
      "| CPUID flag | mnemonics | forms | cases | interpreter | translator | KVM | not for the "
      "host |\n"
      "|---|---|---|---|---|---|---|---|\n";
  for (const auto& [set, line] : lines) {
    text +=
        fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", set, line.mnemonics.size(),
                    line.forms, line.cases, Verdict(line, Side::kInterpreter),
                    Verdict(line, Side::kTranslator), Verdict(line, Side::kKvm), line.not_for_host);
  }
  return text;
}

}  // namespace tandem::cpu
