#include "accel/run/run_control.h"

#include <doctest/doctest.h>

#include "tests/unit/accel/run/fake_vcpu.h"

namespace tandem::accel {
namespace {

// Adds a fake vCPU; it lives as long as run.
FakeVcpu& AddFake(RunControl& run, Guest guest) {
  auto vcpu = std::make_unique<FakeVcpu>(guest);
  FakeVcpu& fake = *vcpu;
  run.Add(std::move(vcpu));
  return fake;
}

void IgnoreExit(devices::VcpuId, const Exit&) {}

}  // namespace

TEST_CASE("run: a vCPU runs nothing before it is resumed") {
  RunControl run(IgnoreExit);
  FakeVcpu& fake = AddFake(run, Guest::kSpins);
  WaitAWhile();
  CHECK_EQ(fake.runs, 0);
}

TEST_CASE("run: pause returns when no vCPU runs any more") {
  RunControl run(IgnoreExit);
  FakeVcpu& first = AddFake(run, Guest::kSpins);
  FakeVcpu& second = AddFake(run, Guest::kSpins);
  run.Resume();
  REQUIRE(Eventually([&] { return first.is_running && second.is_running; }));
  run.Pause();
  CHECK_FALSE(first.is_running);
  CHECK_FALSE(second.is_running);
  const int runs = first.runs;
  WaitAWhile();
  CHECK_EQ(first.runs, runs);
}

TEST_CASE("run: pausing twice and resuming twice does no harm") {
  RunControl run(IgnoreExit);
  FakeVcpu& fake = AddFake(run, Guest::kSpins);
  run.Pause();
  run.Pause();
  run.Resume();
  run.Resume();
  CHECK(Eventually([&] { return fake.is_running.load(); }));
  run.Pause();
  CHECK_FALSE(fake.is_running);
}

TEST_CASE("run: a halted vCPU sleeps until a signal comes") {
  RunControl run(IgnoreExit);
  FakeVcpu& fake = AddFake(run, Guest::kHalts);
  run.Resume();
  REQUIRE(Eventually([&] { return fake.runs >= 1; }));
  WaitAWhile();
  const int runs = fake.runs;
  WaitAWhile();
  CHECK_EQ(fake.runs, runs);
  run.InterruptPending(0);
  CHECK(Eventually([&] { return fake.runs > runs; }));
}

TEST_CASE("run: a halted vCPU can be paused and resumed") {
  RunControl run(IgnoreExit);
  FakeVcpu& fake = AddFake(run, Guest::kHalts);
  run.Resume();
  REQUIRE(Eventually([&] { return fake.runs >= 1; }));
  run.Pause();
  const int runs = fake.runs;
  run.Resume();
  CHECK(Eventually([&] { return fake.runs > runs; }));
}

TEST_CASE("run: a vCPU that shuts down tells so on its own thread and parks") {
  std::atomic<int> exits{0};
  std::atomic<bool> is_shutdown{false}, is_own_thread{false};
  const auto test_thread = std::this_thread::get_id();
  RunControl run([&](devices::VcpuId id, const Exit& exit) {
    is_shutdown = id == 1 && std::holds_alternative<ShutDown>(exit);
    is_own_thread = std::this_thread::get_id() != test_thread;
    ++exits;
  });
  AddFake(run, Guest::kHalts);
  FakeVcpu& fake = AddFake(run, Guest::kShutsDown);
  run.Resume();
  REQUIRE(Eventually([&] { return exits == 1; }));
  run.Pause();
  CHECK(is_shutdown);
  CHECK(is_own_thread);
  CHECK_EQ(fake.runs, 1);
}

TEST_CASE("run: a vCPU that shut down runs again when resumed") {
  std::atomic<int> exits{0};
  RunControl run([&](devices::VcpuId, const Exit&) { ++exits; });
  FakeVcpu& fake = AddFake(run, Guest::kShutsDown);
  run.Resume();
  REQUIRE(Eventually([&] { return exits == 1; }));
  run.Pause();
  run.Resume();
  REQUIRE(Eventually([&] { return exits == 2; }));
  run.Pause();
  CHECK_EQ(fake.runs, 2);
}

TEST_CASE("run: each signal reaches the vCPU it is for") {
  RunControl run(IgnoreExit);
  FakeVcpu& first = AddFake(run, Guest::kHalts);
  FakeVcpu& second = AddFake(run, Guest::kHalts);
  run.SendStartup(1, 0x9a);
  CHECK_EQ(second.last_kind, SignalKind::kStartup);
  CHECK_EQ(second.last_vector, 0x9a);
  run.SendInit(1);
  CHECK_EQ(second.last_kind, SignalKind::kInit);
  run.SendNmi(1);
  CHECK_EQ(second.last_kind, SignalKind::kNmi);
  CHECK_EQ(first.signals, 0);
}

TEST_CASE("run: a signal for a vCPU that is not there yet is dropped") {
  RunControl run(IgnoreExit);
  run.InterruptPending(0);
  run.SendNmi(7);
  CHECK_EQ(run.vcpu_count(), 0);
}

TEST_CASE("run: other vCPUs go on from the state of those they replace, and hear of signals") {
  RunControl run(IgnoreExit);
  AddFake(run, Guest::kHalts).rip = 0x1234;
  run.Resume();
  run.Pause();
  std::vector<std::unique_ptr<Vcpu>> vcpus;
  vcpus.push_back(std::make_unique<FakeVcpu>(Guest::kSpins));
  FakeVcpu& fake = static_cast<FakeVcpu&>(*vcpus[0]);
  run.MoveTo([&] { return std::move(vcpus); });
  CHECK_EQ(fake.rip, 0x1234);
  CHECK_EQ(fake.runs, 0);
  run.SendNmi(0);
  CHECK_EQ(fake.signals, 1);
  run.Resume();
  CHECK(Eventually([&] { return fake.is_running.load(); }));
}

TEST_CASE("run: stop ends vCPUs that run, sleep or are parked") {
  RunControl run(IgnoreExit);
  FakeVcpu& spinning = AddFake(run, Guest::kSpins);
  AddFake(run, Guest::kHalts);
  run.Resume();
  REQUIRE(Eventually([&] { return spinning.is_running.load(); }));
  run.Stop();
  CHECK_EQ(run.vcpu_count(), 0);
}

TEST_CASE("run: no pause is lost among signals from other threads") {
  RunControl run(IgnoreExit);
  FakeVcpu& spinning = AddFake(run, Guest::kSpins);
  AddFake(run, Guest::kHalts);
  std::atomic<bool> is_done{false};
  std::thread signaller([&] {
    while (!is_done) {
      run.InterruptPending(0);
      run.InterruptPending(1);
    }
  });
  for (int round = 0; round < 500; ++round) {
    run.Resume();
    run.Pause();
    CHECK_FALSE(spinning.is_running);
  }
  is_done = true;
  signaller.join();
}

}  // namespace tandem::accel
