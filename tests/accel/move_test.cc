// A running guest changes its accelerator.
#include "tests/accel/rig.h"

namespace tandem::accel::tests {
namespace {

// Engines whose interrupt controllers are the rig's, so that they can take turns.
constexpr Engine kTakingTurns[] = {Engine::kKvmOff, Engine::kTranslator, Engine::kKvmOff,
                                   Engine::kInterpreter};

// Goes on with an engine, which is to outlive its vCPUs.
void MoveTo(Rig& rig, Accelerator& accelerator) {
  std::vector<std::unique_ptr<Vcpu>> vcpus;
  for (u32 id = 0; id < rig.run.vcpu_count(); ++id) {
    auto vcpu = accelerator.MakeVcpu(id, rig.model, rig.Env());
    REQUIRE(vcpu.ok());
    vcpus.push_back(std::move(*vcpu));
  }
  rig.run.MoveTo(std::move(vcpus));
}

}  // namespace

TEST_CASE("move: a guest that counts loses no count" * doctest::skip(!HasKvm())) {
  std::vector<std::unique_ptr<Accelerator>> engines;
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
      engines.push_back(MakeAccelerator(engine));
      MoveTo(rig, *engines.back());
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
  std::vector<std::unique_ptr<Accelerator>> engines;
  Rig rig(Engine::kKvmOff, "wake");
  rig.Start();
  std::string wanted = "H";
  REQUIRE_EQ(rig.reports->WaitFor(1), wanted);
  wanted += "IW";
  for (const Engine engine : kTakingTurns) {
    rig.run.Pause();
    engines.push_back(MakeAccelerator(engine));
    MoveTo(rig, *engines.back());
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
  std::vector<std::unique_ptr<Accelerator>> engines;
  for (const Engine engine : kTakingTurns) {
    for (int step = 0; step < 10; ++step) {
      CHECK(std::holds_alternative<Stepped>(rig.run.vcpu(0).Run()));
    }
    engines.push_back(MakeAccelerator(engine));
    MoveTo(rig, *engines.back());
    rig.run.vcpu(0).SetDebug({.single_step = true});
  }
  rig.run.vcpu(0).SetDebug({});
  rig.Start();
  CHECK_EQ(rig.reports->WaitFor(1), "G");
  rig.run.Stop();
}

}  // namespace tandem::accel::tests
