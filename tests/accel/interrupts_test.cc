// Interrupts, start-up signals, halting.
#include "tests/accel/rig.h"

namespace tandem::accel::tests {
namespace {

devices::MsiMessage Message(u8 vector) { return {0xfee00000, vector}; }

}  // namespace

ENGINE_TEST("a message wakes a halted processor, which goes on behind HLT") {
  Rig rig(engine, "wake");
  rig.Start();
  REQUIRE_EQ(rig.reports->WaitFor(1), "H");
  rig.irqs->SendMsi(Message(0x40));
  CHECK_EQ(rig.reports->WaitFor(3), "HIW");
  rig.irqs->SendMsi(Message(0x40));
  CHECK_EQ(rig.reports->WaitFor(4), "HIWI");
}

ENGINE_TEST("a message that comes while paused is taken after the resume") {
  Rig rig(engine, "wake");
  rig.Start();
  REQUIRE_EQ(rig.reports->WaitFor(1), "H");
  rig.run.Pause();
  rig.irqs->SendMsi(Message(0x40));
  CHECK_EQ(rig.reports->WaitFor(1), "H");
  rig.Start();
  CHECK_EQ(rig.reports->WaitFor(3), "HIW");
}

ENGINE_TEST("an NMI wakes a processor that has interrupts off, each time") {
  Rig rig(engine, "nmi");
  rig.Start();
  REQUIRE_EQ(rig.reports->WaitFor(1), "H");
  rig.run.SendNmi(0);
  REQUIRE_EQ(rig.reports->WaitFor(2), "HN");
  rig.run.SendNmi(0);
  CHECK_EQ(rig.reports->WaitFor(3), "HNN");
}

ENGINE_TEST("a line interrupts through the 8259s and, level-triggered, through the I/O APIC") {
  Rig rig(engine, "lines");
  const devices::IrqLine line(*rig.irqs, 4);
  rig.Start();
  REQUIRE_EQ(rig.reports->WaitFor(1), "P");
  line.Pulse();
  REQUIRE(rig.reports->WaitFor(3).starts_with("PpA"));
  line.Set(true);  // again and again, as long as it is high
  REQUIRE(rig.reports->WaitFor(6).starts_with("PpAaaa"));
  line.Set(false);
  const size_t count = rig.reports->WaitFor(6).size();
  line.Set(true);
  const std::string reports = rig.reports->WaitFor(count + 2);
  line.Set(false);
  CHECK_GT(reports.size(), count);
  CHECK_EQ(reports.find_first_not_of("PpAa"), std::string::npos);
}

ENGINE_TEST("the PIT ticks") {
  Rig rig(engine, "timer");
  rig.Start();
  CHECK_EQ(rig.reports->WaitFor(1), "G");
}

ENGINE_TEST("INIT and a start-up signal start the second processor, once") {
  Rig rig(engine, "startup", 2);
  rig.Start();
  rig.run.SendInit(1);
  rig.run.SendStartup(1, 0x02);
  REQUIRE_EQ(rig.reports->WaitFor(1), "A");
  rig.run.SendStartup(1, 0x02);  // not waited for any more
  rig.run.Pause();
  CHECK_EQ(rig.reports->WaitFor(1), "A");
  CHECK_EQ(rig.State(1).Seg(cpu::SegReg::kCs).base, 0x2000);
  rig.run.SendInit(1);
  rig.Start();
  rig.run.SendStartup(1, 0x02);
  CHECK_EQ(rig.reports->WaitFor(2), "AA");
}

ENGINE_TEST("two processors start and wake one another by interprocessor interrupts") {
  Rig rig(engine, "ping_pong", 2);
  rig.Start();
  CHECK_EQ(rig.reports->WaitFor(1), "D");
}

ENGINE_TEST("after a reset the processors and their controllers begin anew") {
  Rig rig(engine, "ping_pong", 2);
  for (size_t round = 1; round <= 2; ++round) {
    rig.Start();
    REQUIRE_EQ(rig.reports->WaitFor(round), std::string(round, 'D'));
    rig.run.Pause();
    rig.irqs->Reset();
    rig.SetState(rig.StartState());
    cpu::CpuState second;
    cpu::PowerOnReset(second, false);
    rig.SetState(second, 1);
  }
}

}  // namespace tandem::accel::tests
