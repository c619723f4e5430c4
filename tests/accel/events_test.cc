// Events that interrupt when they are signalled.
#include <algorithm>
#include <chrono>
#include <future>

#include "tests/accel/rig.h"

namespace tandem::accel::tests {
namespace {

using devices::EventFd;
using devices::EventLine;
using devices::MsiMessage;

constexpr MsiMessage kFirst{0xfee00000, 0x40}, kSecond{0xfee00000, 0x41};
constexpr devices::Gsi kEdge = 4, kLevel = 11, kPin = 20;

// A guest that reports each interrupt, halted in between.
struct EventsRig : Rig {
  explicit EventsRig(Engine engine) : Rig(engine, "events") {
    Start();
    REQUIRE_EQ(reports->WaitFor(1), "H");
  }

  size_t Count(char letter) {
    const std::string text = reports->WaitFor(0);
    return static_cast<size_t>(std::ranges::count(text, letter));
  }
  bool WaitForCount(char letter, size_t count) {
    for (size_t seen = reports->WaitFor(0).size(); Count(letter) < count; ++seen) {
      if (reports->WaitFor(seen + 1).size() <= seen) {
        return false;
      }
    }
    return true;
  }
  // What came before it has been reported when it has.
  void PassMessage() {
    const size_t count = Count('J');
    irqs->SendMsi(kSecond);
    REQUIRE(WaitForCount('J', count + 1));
  }

  std::shared_ptr<EventFd> event = *EventFd::Create(), resample = *EventFd::Create();
};

bool WaitForSignal(const EventFd& event) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (event.Take() == 0) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return true;
}

// A signal is an interrupt, and the end of the interrupt a resample, twice.
void TestLevel(Engine engine, devices::Gsi gsi, char letter) {
  EventsRig rig(engine);
  REQUIRE(rig.events->Connect(rig.event, EventLine{gsi, rig.resample}).ok());
  CHECK_EQ(rig.resample->Take(), 0);
  for (size_t round = 1; round <= 2; ++round) {
    rig.event->Signal();
    CHECK(rig.WaitForCount(letter, round));
    CHECK(WaitForSignal(*rig.resample));
    rig.PassMessage();
    CHECK_EQ(rig.Count(letter), round);
    CHECK_EQ(rig.resample->Take(), 0);
  }
  rig.events->Disconnect(rig.event);
  rig.event->Signal();
  rig.PassMessage();
  CHECK_EQ(rig.Count(letter), 2);
  CHECK_EQ(rig.event->Take(), 1);
}

}  // namespace

ENGINE_TEST("a signalled event interrupts a halted processor by its message") {
  EventsRig rig(engine);
  REQUIRE(rig.events->Connect(rig.event, kFirst).ok());
  rig.event->Signal();
  REQUIRE_EQ(rig.reports->WaitFor(2), "HI");
  rig.event->Signal();
  CHECK_EQ(rig.reports->WaitFor(3), "HII");
}

ENGINE_TEST("an event takes another message, and none when it is disconnected") {
  EventsRig rig(engine);
  const auto other = *EventFd::Create();
  REQUIRE(rig.events->Connect(rig.event, kFirst).ok());
  REQUIRE(rig.events->Connect(other, kFirst).ok());
  REQUIRE(rig.events->Connect(rig.event, kSecond).ok());
  rig.event->Signal();
  REQUIRE_EQ(rig.reports->WaitFor(2), "HJ");
  other->Signal();
  REQUIRE_EQ(rig.reports->WaitFor(3), "HJI");
  rig.events->Disconnect(other);
  other->Signal();
  rig.event->Signal();
  CHECK_EQ(rig.reports->WaitFor(4), "HJIJ");
  CHECK_EQ(other->Take(), 1);
}

ENGINE_TEST("a signal from before its event was connected interrupts once") {
  EventsRig rig(engine);
  rig.event->Signal();
  REQUIRE(rig.events->Connect(rig.event, kFirst).ok());
  REQUIRE_EQ(rig.reports->WaitFor(2), "HI");
  rig.PassMessage();
  CHECK_EQ(rig.Count('I'), 1);
}

ENGINE_TEST("an event that is signalled while the processor is paused interrupts later") {
  EventsRig rig(engine);
  REQUIRE(rig.events->Connect(rig.event, kFirst).ok());
  rig.run.Pause();
  rig.event->Signal();
  CHECK_EQ(rig.reports->WaitFor(1), "H");
  rig.Start();
  CHECK_EQ(rig.reports->WaitFor(2), "HI");
}

ENGINE_TEST("a signal is an edge of a line") {
  EventsRig rig(engine);
  REQUIRE(rig.events->Connect(rig.event, EventLine{kEdge}).ok());
  for (size_t round = 1; round <= 3; ++round) {
    rig.event->Signal();
    REQUIRE(rig.WaitForCount('e', round));
  }
  rig.PassMessage();
  CHECK_EQ(rig.Count('e'), 3);
  REQUIRE(rig.events->Connect(rig.event, kFirst).ok());  // a message from now on
  rig.event->Signal();
  REQUIRE(rig.WaitForCount('I', 1));
  REQUIRE(rig.events->Connect(rig.event, EventLine{kEdge}).ok());
  rig.event->Signal();
  CHECK(rig.WaitForCount('e', 4));
}

ENGINE_TEST("a signal holds a pin of the I/O APIC until the guest has ended its interrupt") {
  TestLevel(engine, kPin, 'p');
}

ENGINE_TEST("a signal holds a line of the 8259s until the guest has ended its interrupt") {
  TestLevel(engine, kLevel, 'l');
}

ENGINE_TEST("events share a line: the end of the interrupt is told to both") {
  EventsRig rig(engine);
  const auto event = *EventFd::Create(), resample = *EventFd::Create();
  REQUIRE(rig.events->Connect(rig.event, EventLine{kPin, rig.resample}).ok());
  REQUIRE(rig.events->Connect(event, EventLine{kPin, resample}).ok());
  rig.event->Signal();
  CHECK(WaitForSignal(*rig.resample));
  CHECK(WaitForSignal(*resample));
  rig.events->Disconnect(rig.event);
  (void)resample->Take();
  event->Signal();
  CHECK(rig.WaitForCount('p', 2));
  CHECK(WaitForSignal(*resample));
}

// While the loop's thread is held up.
TEST_CASE("kvm: messages, and lines of the kernel's controllers, do without the event loop" *
          doctest::skip(!HasKvm())) {
  for (const Engine engine : {Engine::kKvm, Engine::kKvmSplit}) {
    CAPTURE(engine);
    EventsRig rig(engine);
    const auto line = *EventFd::Create();
    REQUIRE(rig.events->Connect(rig.event, kFirst).ok());
    REQUIRE(rig.events->Connect(line, EventLine{kPin, rig.resample}).ok());
    std::promise<void> release;
    rig.loop.Post([&] { release.get_future().wait(); });
    rig.event->Signal();
    CHECK(rig.WaitForCount('I', 1));
    if (engine == Engine::kKvm) {
      line->Signal();
      CHECK(rig.WaitForCount('p', 1));
      CHECK(WaitForSignal(*rig.resample));
    }
    release.set_value();
  }
}

TEST_CASE("move: what events have signalled is not lost" * doctest::skip(!HasKvm())) {
  EventsRig rig(Engine::kInterpreter);
  const auto message = *EventFd::Create(), edge = *EventFd::Create();
  REQUIRE(rig.events->Connect(message, kFirst).ok());
  REQUIRE(rig.events->Connect(edge, EventLine{kEdge}).ok());
  REQUIRE(rig.events->Connect(rig.event, EventLine{kPin, rig.resample}).ok());
  size_t count = 0;
  for (const Engine engine : {Engine::kKvm, Engine::kTranslator, Engine::kKvmSplit, Engine::kKvm,
                              Engine::kKvmOff, Engine::kKvmSplit, Engine::kInterpreter}) {
    CAPTURE(engine);
    for (const bool is_before : {true, false}) {
      rig.run.Pause();
      const size_t pins = rig.Count('p');
      const auto signal_all = [&] {
        message->Signal();
        edge->Signal();
        rig.event->Signal();
      };
      const auto nothing = [] {};
      if (is_before) {
        signal_all();
      }
      rig.MoveTo(engine, is_before ? std::function<void()>(nothing) : signal_all);
      rig.Start();
      ++count;
      CHECK(rig.WaitForCount('I', count));
      CHECK(rig.WaitForCount('e', count));
      CHECK(rig.WaitForCount('p', pins + 1));
      CHECK(WaitForSignal(*rig.resample));
    }
  }
  rig.PassMessage();
  CHECK_EQ(rig.Count('I'), count);
  CHECK_EQ(rig.Count('e'), count);
}

}  // namespace tandem::accel::tests
