#include "tests/differential/compare_run.h"

// After our headers: it has a CHECK of its own.
#include <doctest/doctest.h>

namespace tandem::cpu {
namespace {

TEST_CASE("differential: random instructions and sequences end the same on host and engines") {
  auto differential = std::make_unique<Differential>(20240229);
  if (!differential->is_usable()) {
    MESSAGE("skipped: the test's addresses are taken");
    return;
  }
  for (int i = 0; i < 12000; ++i) {
    const std::string text = i % 3 == 0 ? differential->RunSequence() : differential->RunOne();
    CHECK_MESSAGE(text.empty(), text);
  }
  MESSAGE(differential->coverage().size() << " different instructions");
}

}  // namespace
}  // namespace tandem::cpu
