#include "accel/dbt/dbt_vcpu.h"

#include <doctest/doctest.h>

#include "tests/unit/accel/dbt/guest.h"

namespace tandem::accel {
namespace {

// A message-signalled interrupt to the first processor.
devices::MsiMessage Interrupt(u8 vector) { return {0xfee00000, vector}; }

struct CountedRun {
  std::string reports;
  u64 instructions, ns;
  std::array<u64, 17> gpr;
};

// To its last HLT, which comes soon after the last report.
CountedRun RunCounted() {
  Guest guest("counted", 1, Guest::Time::kCounted);
  guest.run.Resume();
  const std::string reports = guest.reports->WaitFor(3);
  guest.run.Pause();
  while (guest.State(0).activity != cpu::Activity::kHalted) {
    guest.run.Resume();
    guest.run.Pause();
  }
  const cpu::CpuState state = guest.State(0);
  return {reports, state.instructions, guest.clock.NowNs(), state.gpr};
}

}  // namespace

TEST_CASE("dbt: an interrupt wakes a halted processor, which goes on behind HLT") {
  Guest guest("wake", 1);
  guest.run.Resume();
  REQUIRE_EQ(guest.reports->WaitFor(1), "H");
  guest.irqs.SendMsi(Interrupt(0x40));
  CHECK_EQ(guest.reports->WaitFor(3), "HIW");
}

TEST_CASE("dbt: an interrupt that comes while paused is taken after the resume") {
  Guest guest("wake", 1);
  guest.run.Resume();
  REQUIRE_EQ(guest.reports->WaitFor(1), "H");
  guest.run.Pause();
  guest.irqs.SendMsi(Interrupt(0x40));
  CHECK_EQ(guest.reports->WaitFor(1), "H");
  guest.run.Resume();
  CHECK_EQ(guest.reports->WaitFor(3), "HIW");
}

TEST_CASE("dbt: an NMI wakes a processor that has interrupts off, each time") {
  Guest guest("nmi", 1);
  guest.run.Resume();
  REQUIRE_EQ(guest.reports->WaitFor(1), "H");
  guest.run.SendNmi(0);
  REQUIRE_EQ(guest.reports->WaitFor(2), "HN");
  guest.run.SendNmi(0);
  CHECK_EQ(guest.reports->WaitFor(3), "HNN");
}

TEST_CASE("dbt: a spinning processor can be paused, and goes on where it stood") {
  Guest guest("spin", 1);
  guest.run.Resume();
  REQUIRE_EQ(guest.reports->WaitFor(1), "S");
  guest.run.Pause();
  const cpu::CpuState first = guest.State(0);
  const cpu::CpuState second = guest.State(0);
  CHECK_EQ(first.instructions, second.instructions);
  guest.run.Resume();
  guest.run.Pause();
  CHECK_GE(guest.State(0).instructions, first.instructions);
  CHECK_EQ(guest.reports->WaitFor(1), "S");
}

TEST_CASE("dbt: INIT and a start-up IPI start the second processor, once") {
  Guest guest("startup", 2);
  guest.run.Resume();
  guest.run.SendInit(1);
  guest.run.SendStartup(1, 0x02);
  REQUIRE_EQ(guest.reports->WaitFor(1), "A");
  guest.run.SendStartup(1, 0x02);  // not waited for any more
  guest.run.Pause();
  CHECK_EQ(guest.reports->WaitFor(1), "A");
  guest.run.SendInit(1);
  guest.run.Resume();
  guest.run.SendStartup(1, 0x02);
  CHECK_EQ(guest.reports->WaitFor(2), "AA");
}

TEST_CASE("dbt: INIT stops a running second processor until it is started") {
  Guest guest("startup", 2);
  guest.run.Resume();
  guest.run.SendStartup(1, 0x02);
  REQUIRE_EQ(guest.reports->WaitFor(1), "A");
  guest.run.Pause();
  CHECK_EQ(guest.State(1).Seg(cpu::SegReg::kCs).base, 0);
  guest.run.SendInit(1);
  guest.run.Resume();
  guest.run.SendStartup(1, 0x02);
  CHECK_EQ(guest.reports->WaitFor(2), "AA");
}

TEST_CASE("dbt: two processors wake one another by interprocessor interrupts") {
  Guest guest("ping_pong", 2);
  guest.run.Resume();
  CHECK_EQ(guest.reports->WaitFor(1), "D");
}

TEST_CASE("dbt: with counted time two runs are the same, to the instruction") {
  const CountedRun first = RunCounted(), second = RunCounted();
  CHECK_EQ(first.reports, "TTE");
  CHECK_EQ(first.reports, second.reports);
  CHECK_EQ(first.instructions, second.instructions);
  CHECK_EQ(first.ns, second.ns);
  CHECK(first.gpr == second.gpr);
  CHECK_GT(first.ns, 2'000'000);
}

TEST_CASE("dbt: counted time has one processor only") {
  Guest guest("startup", 2);
  const VcpuEnv env{guest.memory, guest.ports, guest.irqs, guest.clock, &guest.clock};
  CHECK_FALSE(guest.accelerator->MakeVcpu(0, guest.model, env).ok());
}

}  // namespace tandem::accel
