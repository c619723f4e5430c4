#include "accel/dbt/dbt_accelerator.h"

#include <doctest/doctest.h>

#include "tests/unit/accel/dbt/guest.h"

// Instructions that C++ executes for translated code. Each guest reports G if all was as it should.
namespace tandem::accel {
namespace {

std::string RunToReport(const std::string& image) {
  Guest guest(image, 1);
  guest.run.Resume();
  return guest.reports->WaitFor(1);
}

}  // namespace

TEST_CASE("dbt: an interrupt that waits for STI is taken behind the next instruction, each time") {
  CHECK_EQ(RunToReport("shadow"), "G");
}

TEST_CASE("dbt: call-outs keep the flags, and code that they write is seen at once") {
  CHECK_EQ(RunToReport("callout"), "G");
}

TEST_CASE("dbt: a function that is rewritten again and again is what was written last") {
  CHECK_EQ(RunToReport("rewrite"), "G");
}

}  // namespace tandem::accel
