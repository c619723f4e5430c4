#include "tests/differential/matrix.h"

#include <fmt/format.h>

#include "cpu/state/model_parser.h"
#include "tests/differential/treatment.h"

namespace tandem::cpu {
namespace {

struct Line {
  std::set<u16> mnemonics;
  u64 forms = 0, hit_forms = 0, cases = 0;
  u64 interpreter_failures = 0, translator_failures = 0;
  u64 not_for_host = 0;
};

// What CPUID calls the instruction's set; the oldest have no flag.
std::string SetOf(const Inst& inst) {
  if (inst.feature != Feature::kCount) {
    return std::string(FeatureName(inst.feature)) + (inst.needs_avx512vl ? " + avx512vl" : "");
  }
  return "(base)";
}

std::string Verdict(const Line& line, u64 failures) {
  if (line.hit_forms == 0) {
    return "not run";
  }
  return failures == 0 ? fmt::format("{} exact", line.hit_forms)
                       : fmt::format("{} exact, {} differ", line.hit_forms - failures, failures);
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
    line.hit_forms += coverage.CasesOf(i) != 0 ? 1 : 0;
    line.cases += coverage.CasesOf(i);
    line.interpreter_failures += failures.interpreter.count(forms[i].name);
    line.translator_failures += failures.translator.count(forms[i].name);
  }
  std::string text =
      "| CPUID flag | mnemonics | forms | cases | interpreter | translator | not for the host |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const auto& [set, line] : lines) {
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", set, line.mnemonics.size(),
                        line.forms, line.cases, Verdict(line, line.interpreter_failures),
                        Verdict(line, line.translator_failures), line.not_for_host);
  }
  return text;
}

}  // namespace tandem::cpu
