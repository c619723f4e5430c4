#include "cpu/state/model_parser.h"
#include "tests/differential/compare_run.h"
#include "tests/differential/narrow.h"

// After our headers: it has a CHECK of its own.
#include <doctest/doctest.h>

namespace tandem::cpu {
namespace {

void RunTrials(Choice choice) {
  auto differential = std::make_unique<Differential>(20240229, choice);
  if (!differential->is_usable()) {
    MESSAGE("skipped: the test's addresses are taken");
    return;
  }
  for (int i = 0; i < 8000; ++i) {
    const std::string text = i % 3 == 0 ? differential->RunSequence() : differential->RunOne();
    CHECK_MESSAGE(text.empty(), text);
  }
  MESSAGE(differential->coverage().size() << " different instructions");
}

TEST_CASE("differential: random instructions leave the same state on host and engines") {
  RunTrials(Choice::kAll);
}

TEST_CASE("differential: AVX-512 instructions leave the same state on host and engines") {
  if (!InterpreterFeatures().test(static_cast<size_t>(Feature::kAvx512f))) {
    MESSAGE("skipped: the host has no AVX-512");
    return;
  }
  RunTrials(Choice::kAvx512);
}

TEST_CASE("differential: 16- and 32-bit code ends the same on interpreter and translator") {
  for (const MachineMode mode :
       {MachineMode::kReal, MachineMode::kProtected16, MachineMode::kProtected32}) {
    auto differential = std::make_unique<NarrowDifferential>(mode, 8);
    for (int i = 0; i < 2000; ++i) {
      const std::string text = differential->Run();
      CHECK_MESSAGE(text.empty(), "mode " << static_cast<int>(mode) << "\n" << text);
    }
  }
}

}  // namespace
}  // namespace tandem::cpu
