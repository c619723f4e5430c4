#include <array>

#include "accel/dbt/dbt_accelerator.h"
#include "tests/lockstep/faulty.h"
#include "tests/lockstep/rig.h"

namespace tandem::accel::tests {
namespace {

// Instructions of guest.asm.
constexpr u64 kStore = 0x1404;
constexpr u64 kCulprit = 0x140b;

std::string ReportOf(const Exit& exit) {
  const Fatal* const fatal = std::get_if<Fatal>(&exit);
  return fatal != nullptr ? fatal->message : "no difference";
}

bool Has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE(
    "lockstep: the translator and the interpreter do the same, devices and interrupts included") {
  Rig rig;
  const Exit exit = rig.Run();
  INFO(ReportOf(exit));
  CHECK(std::holds_alternative<Halted>(exit));
  CHECK_EQ(rig.reports(), "G");
  CHECK_GT(rig.interrupts(), 20);
}

TEST_CASE("lockstep: it ends when there are enough instructions") {
  Rig rig({.instructions = 20'000});
  const Exit exit = rig.Run();
  CHECK(std::holds_alternative<Kicked>(exit));
  CHECK(rig.has_reached_limit());
  CHECK_EQ(rig.reports(), "");
}

TEST_CASE("lockstep: an engine that is single-stepped can follow, too") {
  Rig rig({.replica = MakeDbtAccelerator({.translates = false}), .instructions = 20'000},
          "no_faults");
  const Exit exit = rig.Run();
  INFO(ReportOf(exit));
  CHECK(rig.has_reached_limit());
}

TEST_CASE("lockstep: a wrong flag is found at its instruction") {
  Rig rig(
      {.make_interpreter = MakeFaulty(kCulprit, [](cpu::CpuState& state, const devices::FlatView&) {
         state.rflags ^= cpu::kFlagAf;
       })});
  const std::string report = ReportOf(rig.Run());
  INFO(report);
  CHECK(Has(report,
            "The instruction (4 behind the last place that agreed):\n  0008:140b  sbb edx, eax\n"));
  CHECK(Has(report, "> 0008:140b  sbb edx, eax"));
  CHECK(Has(report, "Differences behind it:\n  rflags:\n"));
}

TEST_CASE("lockstep: a wrong register is found at its instruction") {
  Rig rig(
      {.make_interpreter = MakeFaulty(kCulprit, [](cpu::CpuState& state, const devices::FlatView&) {
         state.gpr[cpu::kRdx] += 1;
       })});
  const std::string report = ReportOf(rig.Run());
  INFO(report);
  CHECK(Has(report, "  0008:140b  sbb edx, eax\n"));
  CHECK(Has(report, "Differences behind it:\n  rdx:\n"));
}

TEST_CASE("lockstep: a wrong store is found at its instruction") {
  Rig rig(
      {.make_interpreter = MakeFaulty(kStore, [](cpu::CpuState&, const devices::FlatView& memory) {
         (void)memory.Write(Gpa(0x1002a), std::array{std::byte{0x77}});
       })});
  const std::string report = ReportOf(rig.Run());
  INFO(report);
  CHECK(Has(report, "  0008:1404  mov [0x00010028], edx\n"));
  CHECK(Has(report, "  memory: ram at 0x1002a: "));
  CHECK(Has(report, " against 77\n"));
}

TEST_CASE("lockstep: memory that only one engine has changed is found") {
  Rig rig({.instructions = 20'000});
  rig.OnInterrupt([&] { rig.Scribble(0x30000); });
  const std::string report = ReportOf(rig.Run());
  INFO(report);
  CHECK_GT(rig.interrupts(), 0);
  CHECK(Has(report, "Memory differs that the last instructions did not write.\n"));
  CHECK(Has(report, "memory: ram at 0x30000: 01 against 00\n"));
}

}  // namespace tandem::accel::tests
