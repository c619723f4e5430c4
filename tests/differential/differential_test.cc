#include "cpu/state/model_parser.h"
#include "tests/differential/batch.h"

// After our headers: it has a CHECK of its own.
#include <doctest/doctest.h>

namespace tandem::cpu {
namespace {

void RunBatches(Choice choice, u64 count) {
  CpuModel model;
  model.features = InterpreterFeatures();
  const std::vector<Form> forms = FindForms(model, choice);
  std::vector<FormHits> hits(forms.size());
  auto parties = std::make_unique<Parties>();
  if (!parties->is_usable()) {
    MESSAGE("skipped: the test's addresses are taken");
    return;
  }
  const auto report = [](const Finding& finding) {
    const std::string text = finding.name + "\n" + finding.row + "\n" + finding.details;
    CHECK_MESSAGE(finding.is_undefined, text);
  };
  auto batches = std::make_unique<Batches>(*parties, forms, 20240229, choice, hits, report);
  for (u64 batch = 0; batch < count; ++batch) {
    batches->Run(batch);
  }
  MESSAGE(batches->counts().single_cases << " instructions, " << batches->counts().sequence_cases
                                         << " sequences, " << forms.size() << " forms");
}

TEST_CASE("differential: instructions and sequences leave the same state on host and engines") {
  RunBatches(Choice::kAll, 20000);
}

TEST_CASE("differential: AVX-512 instructions leave the same state on host and engines") {
  if (!InterpreterFeatures().test(static_cast<size_t>(Feature::kAvx512f))) {
    MESSAGE("skipped: the host has no AVX-512");
    return;
  }
  RunBatches(Choice::kAvx512, 6000);
}

}  // namespace
}  // namespace tandem::cpu
