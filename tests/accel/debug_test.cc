// Breakpoints, watchpoints, steps: as a debugger uses them on any engine.
#include "accel/kvm/kvm_accelerator.h"
#include "tests/accel/rig.h"

namespace tandem::accel::tests {
namespace {

// Of guest.asm's DEBUG.
constexpr u64 kPoint = 0x1100;
constexpr u64 kSecond = 0x1105;
constexpr u64 kStore = 0x110c;
constexpr u64 kLoad = 0x1111;
constexpr u64 kNops = 0x1117;
constexpr std::byte kInt3{0xcc};

std::optional<HitBreakpoint> RunToBreakpoint(Rig& rig) {
  const Exit exit = rig.run.vcpu(0).Run();
  const auto* hit = std::get_if<HitBreakpoint>(&exit);
  return hit != nullptr ? std::optional(*hit) : std::nullopt;
}

}  // namespace

ENGINE_TEST("a step is one instruction") {
  Rig rig(engine, "debug");
  cpu::CpuState state = rig.StartState();
  state.rip = kPoint;
  rig.SetState(state);
  rig.run.vcpu(0).SetDebug({.single_step = true});
  for (const u64 rip : {kSecond, u64{0x110a}, kStore, kLoad, kNops, kNops + 1}) {
    CHECK(std::holds_alternative<Stepped>(rig.run.vcpu(0).Run()));
    CHECK_EQ(rig.State().rip, rip);
  }
  CHECK_EQ(rig.State().gpr[cpu::kRax], 3);
  CHECK_EQ(rig.State().rflags & cpu::kFlagTf, 0);
  CHECK_EQ(rig.Word(Rig::kResult), 3);
}

ENGINE_TEST("a breakpoint stops in front of its instruction, which the next run executes") {
  Rig rig(engine, "debug");
  rig.run.vcpu(0).SetDebug({.breakpoints = {{.address = kPoint}, {.address = kNops}}});
  for (const u64 address : {kPoint, kNops}) {
    const auto hit = RunToBreakpoint(rig);
    REQUIRE(hit.has_value());
    CHECK_EQ(hit->kind, BreakpointKind::kExecute);
    CHECK_EQ(hit->address, address);
    CHECK_FALSE(hit->is_int3);
    CHECK_EQ(rig.State().rip, address);
  }
  rig.run.vcpu(0).SetDebug({});
  rig.Start();
  CHECK_EQ(rig.reports->WaitFor(1), "G");
}

ENGINE_TEST("a step leaves the instruction of a breakpoint") {
  Rig rig(engine, "debug");
  rig.run.vcpu(0).SetDebug({.breakpoints = {{.address = kPoint}}});
  REQUIRE(RunToBreakpoint(rig).has_value());
  rig.run.vcpu(0).SetDebug({.single_step = true, .breakpoints = {{.address = kPoint}}});
  CHECK(std::holds_alternative<Stepped>(rig.run.vcpu(0).Run()));
  CHECK_EQ(rig.State().rip, kSecond);
}

ENGINE_TEST("watched bytes stop behind the instruction that accesses them") {
  if (IsKvm(engine) && !CheckKvmIsFast()) {
    MESSAGE("not tried: a KVM that emulates each instruction has no data breakpoints");
    return;
  }
  Rig rig(engine, "debug");
  rig.run.vcpu(0).SetDebug({.breakpoints = {{BreakpointKind::kWrite, Rig::kResult, 4},
                                            {BreakpointKind::kWrite, Rig::kResult + 8, 4},
                                            {BreakpointKind::kAccess, Rig::kResult + 8, 4}}});
  auto hit = RunToBreakpoint(rig);
  REQUIRE(hit.has_value());
  CHECK_EQ(hit->kind, BreakpointKind::kWrite);
  CHECK_EQ(hit->address, Rig::kResult);
  CHECK_EQ(rig.State().rip, kLoad);
  CHECK_EQ(rig.Word(Rig::kResult), 3);
  hit = RunToBreakpoint(rig);
  REQUIRE(hit.has_value());
  CHECK_EQ(hit->kind, BreakpointKind::kAccess);
  CHECK_EQ(rig.State().rip, kNops);
}

ENGINE_TEST("an INT3 of the debugger stops in front of it") {
  Rig rig(engine, "debug");
  std::byte* const code = rig.ram->data() + kSecond;
  const std::byte saved = std::exchange(*code, kInt3);
  rig.run.vcpu(0).SetDebug({.stops_at_int3 = true});
  const auto hit = RunToBreakpoint(rig);
  REQUIRE(hit.has_value());
  CHECK(hit->is_int3);
  CHECK_EQ(hit->address, kSecond);
  CHECK_EQ(rig.State().rip, kSecond);
  *code = saved;
  rig.run.vcpu(0).SetDebug({});
  rig.Start();
  CHECK_EQ(rig.reports->WaitFor(1), "G");
}

ENGINE_TEST("the debugger hears of a stop on the processor's own thread") {
  Rig rig(engine, "debug");
  rig.run.vcpu(0).SetDebug({.breakpoints = {{.address = kStore}}});
  rig.Start();
  const std::optional<Exit> exit = rig.WaitForExit();
  REQUIRE(exit.has_value());
  CHECK(std::holds_alternative<HitBreakpoint>(*exit));
  rig.run.Pause();
  CHECK_EQ(rig.State().rip, kStore);
  rig.run.vcpu(0).SetDebug({});
  rig.Start();
  CHECK_EQ(rig.reports->WaitFor(1), "G");
}

}  // namespace tandem::accel::tests
