#include "tests/differential/compare_run.h"

// After our headers: it has a CHECK of its own.
#include <doctest/doctest.h>

namespace tandem::cpu {
namespace {

TEST_CASE("differential: random instructions leave the same state on host and interpreter") {
  auto differential = std::make_unique<Differential>(20240229);
  if (!differential->is_usable()) {
    MESSAGE("skipped: the test's addresses are taken");
    return;
  }
  for (int i = 0; i < 60000; ++i) {
    const std::string text = differential->RunOne();
    CHECK_MESSAGE(text.empty(), text);
  }
  MESSAGE(differential->coverage().size() << " different instructions");
}

}  // namespace
}  // namespace tandem::cpu
