#include "cpu/state/model_parser.h"
#include "tests/differential/batch.h"
#include "tests/rows/kvm_engine.h"

// After our headers: it has a CHECK of its own.
#include <doctest/doctest.h>

namespace tandem::cpu {
namespace {

constexpr u64 kKvmRate = 11;

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
  const std::string& why_no_kvm = KvmEngine::WhyMissing();
  if (!why_no_kvm.empty()) {
    MESSAGE("skipped: nothing runs on KVM: " << why_no_kvm);
  }
  const u64 kvm_rate = why_no_kvm.empty() ? kKvmRate : 0;
  auto batches =
      std::make_unique<Batches>(*parties, forms, 20240229, choice, kvm_rate, hits, report);
  for (u64 batch = 0; batch < count; ++batch) {
    batches->Run(batch);
  }
  const BatchCounts& counts = batches->counts();
  MESSAGE(counts.single_cases << " instructions, " << counts.sequence_cases << " sequences, "
                              << counts.kvm_cases << " on KVM, too, " << forms.size() << " forms");
  CHECK_EQ(counts.kvm_cases != 0, why_no_kvm.empty());
  for (size_t i = kOwnAllowances; i < kAllowances; ++i) {
    if (batches->allowances()[i] != 0) {
      MESSAGE("allowed " << batches->allowances()[i]
                         << " times: " << std::string(NameOfAllowance(i)));
    }
  }
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
