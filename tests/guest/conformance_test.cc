#include <doctest/doctest.h>

#include <sstream>

#include "base/ints.h"
#include "tests/guest/emulator.h"

// The bare guests of conformance/, each a subject of the processor's manual: they print a line for
// each of their checks ("ok NAME" or "FAIL NAME: got X, want Y"), then how many there were, and
// end.
namespace tandem::tests {
namespace {

constexpr int kGuestIsDone = 1;  // isa-debug-exit's status for the value 0

struct Report {
  u64 passed = 0;
  u64 counted = 0;  // by the guest itself
  std::vector<std::string> failures;
};

Report ReadReport(const std::string& output) {
  Report report;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("ok ")) {
      ++report.passed;
    } else if (line.starts_with("checks ")) {
      report.counted = std::stoull(line.substr(7), nullptr, 16);
    } else {
      report.failures.push_back(line);
    }
  }
  return report;
}

void Check(const Emulator& emulator, std::optional<int> status) {
  const Report report = ReadReport(emulator.output());
  for (const std::string& failure : report.failures) {
    FAIL_CHECK(failure);
  }
  INFO(emulator.Tail());
  CHECK_EQ(status.value_or(-1), kGuestIsDone);
  CHECK(report.counted > 0);
  CHECK_EQ(report.passed, report.counted);
}

// how: the option that the guest's image is given to.
void RunGuest(const std::string& name, const std::string& how = "-kernel",
              const std::string& processors = "1") {
  for (const char* engine : {"dbt", "dbt,jit=off"}) {
    CAPTURE(engine);
    Emulator emulator({"-m", "64", "-display", "none", "-no-reboot", "-debugcon", "stdio",
                       "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-smp", processors,
                       "-accel", engine, how, "tests/guest/conformance/" + name + ".bin"});
    Check(emulator, emulator.WaitForExit(120s));
  }
}

}  // namespace

TEST_CASE("conformance: atomics and two processors") { RunGuest("atomics", "-kernel", "2"); }
TEST_CASE("conformance: debug registers and exceptions") { RunGuest("debug"); }
TEST_CASE("conformance: gates") { RunGuest("gates"); }
TEST_CASE("conformance: interrupts and the local APIC") { RunGuest("interrupts"); }
TEST_CASE("conformance: machine-check registers") { RunGuest("mce"); }
TEST_CASE("conformance: paging in long mode") { RunGuest("paging"); }
TEST_CASE("conformance: paging with five levels") { RunGuest("paging57"); }
TEST_CASE("conformance: paging with two levels and PAE") { RunGuest("paging32"); }
TEST_CASE("conformance: the state after RESET") { RunGuest("reset", "-bios"); }
TEST_CASE("conformance: loops over scattered pages") { RunGuest("scattered"); }
TEST_CASE("conformance: segmentation") { RunGuest("segmentation"); }
TEST_CASE("conformance: code that is written") { RunGuest("smc"); }
TEST_CASE("conformance: SYSCALL and SYSENTER") { RunGuest("syscall"); }
TEST_CASE("conformance: tasks") { RunGuest("tasks"); }
TEST_CASE("conformance: the time-stamp counter") { RunGuest("tsc"); }
TEST_CASE("conformance: virtual-8086 mode") { RunGuest("v86"); }
TEST_CASE("conformance: XSAVE") { RunGuest("xsave"); }

}  // namespace tandem::tests
