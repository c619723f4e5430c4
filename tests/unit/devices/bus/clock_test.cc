#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include "devices/bus/instruction_clock.h"

namespace tandem::devices {
namespace {

TEST_CASE("instruction clock: timers fire in order of their deadlines") {
  InstructionClock clock(0);
  std::vector<int> order;
  Timer late(clock, [&] { order.push_back(2); });
  Timer early(clock, [&] { order.push_back(1); });
  late.Arm(200);
  early.Arm(100);
  CHECK_EQ(clock.Budget(1000), 100);
  clock.Advance(99);
  CHECK(order.empty());
  clock.Advance(101);
  CHECK_EQ(order, std::vector<int>{1, 2});
}

TEST_CASE("instruction clock: a halted machine jumps to the next deadline") {
  InstructionClock clock(3);
  bool fired = false;
  Timer timer(clock, [&] { fired = true; });
  CHECK_FALSE(clock.WarpToNextDeadline());
  timer.Arm(5000);
  CHECK(clock.WarpToNextDeadline());
  CHECK(fired);
  CHECK_EQ(clock.NowNs(), 5000);
}

TEST_CASE("timer: a cancelled or re-armed timer keeps only its last deadline") {
  InstructionClock clock(0);
  int fired = 0;
  Timer timer(clock, [&] { ++fired; });
  timer.Arm(10);
  timer.Arm(50);
  clock.Advance(20);
  CHECK_EQ(fired, 0);
  timer.Cancel();
  clock.Advance(100);
  CHECK_EQ(fired, 0);
}

TEST_CASE("timer: one that its callback arms while it is being destroyed is gone") {
  InstructionClock clock(0);
  std::promise<void> is_in_callback, may_arm;
  Timer* self = nullptr;
  auto timer = std::make_unique<Timer>(clock, [&] {
    is_in_callback.set_value();
    may_arm.get_future().wait();
    self->Arm(100);
  });
  self = timer.get();
  self->Arm(1);
  std::thread runner([&] { clock.Advance(2); });
  is_in_callback.get_future().wait();
  std::thread destroyer([&] { timer.reset(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // so that it waits
  may_arm.set_value();
  runner.join();
  destroyer.join();
  CHECK_FALSE(clock.NextDeadline().has_value());
}

}  // namespace
}  // namespace tandem::devices
