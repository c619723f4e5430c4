// A running guest changes its accelerator.
#include <chrono>

#include "tests/accel/rig.h"

namespace tandem::accel::tests {
namespace {

// Each kind of interrupt controllers takes over from each other.
constexpr Engine kTakingTurns[] = {Engine::kKvm,    Engine::kTranslator,  Engine::kKvmSplit,
                                   Engine::kKvm,    Engine::kKvmOff,      Engine::kKvmSplit,
                                   Engine::kKvmOff, Engine::kInterpreter, Engine::kKvm};
constexpr Engine kEach[] = {Engine::kInterpreter, Engine::kKvm, Engine::kKvmSplit, Engine::kKvmOff};

bool WaitForWord(const Rig& rig, u64 address, u32 wanted) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (rig.Word(address) < wanted && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return rig.Word(address) >= wanted;
}

}  // namespace

TEST_CASE("move: a guest that counts loses no count" * doctest::skip(!HasKvm())) {
  Rig rig(Engine::kInterpreter, "count");
  rig.SetWord(Rig::kResult + 4, 400'000);
  rig.Start();
  REQUIRE_EQ(rig.reports->WaitFor(1), "S");
  u32 seen = 0;
  for (int round = 0; round < 3; ++round) {
    for (const Engine engine : kTakingTurns) {
      rig.run.Pause();
      const u32 count = rig.Word(Rig::kResult);
      CHECK_GE(count, seen);
      seen = count;
      rig.MoveTo(engine);
      CHECK_EQ(rig.Word(Rig::kResult), count);
      rig.Start();
      while (rig.Word(Rig::kResult) == count && count < 400'000) {
        std::this_thread::yield();
      }
    }
  }
  CHECK_EQ(rig.reports->WaitFor(2), "SG");
  rig.run.Stop();
  CHECK_EQ(rig.Word(Rig::kResult), 400'000);
}

TEST_CASE("move: a halted processor is woken on its new engine" * doctest::skip(!HasKvm())) {
  Rig rig(Engine::kKvmOff, "wake");
  rig.Start();
  std::string wanted = "H";
  REQUIRE_EQ(rig.reports->WaitFor(1), wanted);
  wanted += "IW";
  for (const Engine engine : kTakingTurns) {
    rig.run.Pause();
    rig.MoveTo(engine);
    rig.irqs->SendMsi({0xfee00000, 0x40});
    rig.Start();
    CHECK_EQ(rig.reports->WaitFor(wanted.size()), wanted);
    wanted += "I";
  }
  rig.run.Stop();
}

TEST_CASE("move: x87 and vector registers go along" * doctest::skip(!HasKvm())) {
  Rig rig(Engine::kTranslator, "vectors");
  rig.run.vcpu(0).SetDebug({.single_step = true});
  for (const Engine engine : kTakingTurns) {
    for (int step = 0; step < 5; ++step) {
      CHECK(std::holds_alternative<Stepped>(rig.run.vcpu(0).Run()));
    }
    rig.MoveTo(engine);
    rig.run.vcpu(0).SetDebug({.single_step = true});
  }
  rig.run.vcpu(0).SetDebug({});
  rig.Start();
  CHECK_EQ(rig.reports->WaitFor(1), "G");
  rig.run.Stop();
}

TEST_CASE("move: timers and lines go on to interrupt" * doctest::skip(!HasKvm())) {
  constexpr u64 kPit = Rig::kResult, kApic = kPit + 4, kPic = kPit + 8, kLevel = kPit + 12;
  constexpr u32 kPeriodMs = 5;
  Rig rig(Engine::kInterpreter, "sources");
  const auto start = std::chrono::steady_clock::now();
  rig.Start();
  REQUIRE_EQ(rig.reports->WaitFor(1), "S");
  const devices::IrqLine edge(*rig.irqs, 4), level(*rig.irqs, 5);
  u32 edges = 0;
  for (const Engine engine : kTakingTurns) {
    CAPTURE(engine);
    rig.run.Pause();
    const u32 pit = rig.Word(kPit), apic = rig.Word(kApic), levels = rig.Word(kLevel);
    edge.Pulse();
    level.Set(true);
    rig.MoveTo(engine);
    rig.Start();
    REQUIRE(WaitForWord(rig, kLevel, levels + 3));
    level.Set(false);  // it goes before all others
    REQUIRE(WaitForWord(rig, kPit, pit + 3));
    REQUIRE(WaitForWord(rig, kApic, apic + 3));
    REQUIRE(WaitForWord(rig, kPic, ++edges));
    edge.Pulse();
    CHECK(WaitForWord(rig, kPic, ++edges));
  }
  rig.run.Stop();
  CHECK_EQ(rig.Word(kPic), edges);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                      std::chrono::steady_clock::now() - start)
                      .count();
  const auto most =
      static_cast<u32>(ms / kPeriodMs + 1) + static_cast<u32>(std::size(kTakingTurns));
  CHECK_LE(rig.Word(kPit), most);
  CHECK_LE(rig.Word(kApic), most);
}

TEST_CASE("move: an interrupt that is just being given to a processor goes along" *
          doctest::skip(!HasKvm())) {
  constexpr u64 kPic = Rig::kResult + 8;
  for (const Engine engine : {Engine::kKvm, Engine::kKvmSplit, Engine::kKvmOff}) {
    CAPTURE(engine);
    Rig rig(engine, "sources");
    rig.Start();
    REQUIRE_EQ(rig.reports->WaitFor(1), "S");
    const devices::IrqLine edge(*rig.irqs, 4);
    for (u32 round = 1; round <= 100; ++round) {
      edge.Pulse();
      std::this_thread::sleep_for(std::chrono::microseconds(round));
      rig.run.Pause();
      rig.MoveTo(round % 2 != 0 ? Engine::kInterpreter : engine);
      rig.Start();
      REQUIRE(WaitForWord(rig, kPic, round));
    }
    rig.run.Stop();
    CHECK_EQ(rig.Word(kPic), 100);
  }
}

// From each engine to each, before the timer has ended; then on to one where it must not be
// awaited.
void MoveWhileTimerRuns(const char* guest, Engine from, Engine to) {
  CAPTURE(from);
  CAPTURE(to);
  Rig rig(from, guest);
  rig.Start();
  REQUIRE(rig.reports->WaitFor(1).starts_with("S"));
  rig.run.Pause();
  rig.MoveTo(to);
  rig.Start();
  CHECK(rig.reports->WaitFor(2).starts_with("ST"));
  rig.run.Pause();
  rig.MoveTo(from);
  rig.Start();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  rig.run.Stop();
  // KVM does not tell whether a count that has ended has interrupted.
  CHECK_LE(rig.reports->WaitFor(0).size(), IsKvm(to) ? 3 : 2);
}

TEST_CASE("move: a count that ends once ends on the other engine" * doctest::skip(!HasKvm())) {
  for (const Engine from : kEach) {
    for (const Engine to : kEach) {
      MoveWhileTimerRuns("one_shot", from, to);
    }
  }
}

// A KVM without local APICs offers none.
TEST_CASE("move: a deadline comes on the other engine" * doctest::skip(!HasKvm())) {
  for (const Engine from : kEach) {
    for (const Engine to : kEach) {
      if (from != Engine::kKvmOff && to != Engine::kKvmOff) {
        MoveWhileTimerRuns("deadline", from, to);
      }
    }
  }
}

}  // namespace tandem::accel::tests
