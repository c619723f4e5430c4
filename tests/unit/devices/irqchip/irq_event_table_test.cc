#include "devices/irqchip/irq_event_table.h"

#include <chrono>
#include <map>
#include <string>
#include <thread>

// doctest's CHECK takes the place of base's, so its header comes last.
#include <doctest/doctest.h>

namespace tandem::devices {
namespace {

// Controllers that write down what they are told.
class FakeChip final : public IrqChip, public IrqLatches {
 public:
  void SetLine(Gsi gsi, bool level) override { Note((level ? "+" : "-") + std::to_string(gsi)); }
  void SendMsi(MsiMessage message) override { Note("m" + std::to_string(message.data)); }
  void SetLatch(Gsi gsi, bool level) override {
    Note((level ? "set" : "clear") + std::to_string(gsi));
  }
  void SetLatchEndHandler(std::function<void(Gsi)> handler) override { end_latch = handler; }
  std::optional<u8> TakeVector(VcpuId) override { return std::nullopt; }
  bool HasVector(VcpuId) const override { return false; }
  LocalApic* Apic(VcpuId) override { return nullptr; }
  void Reset() override {}

  // Waits until as much was noted; all that was.
  std::string Wait(size_t count) {
    UniqueLock lock(mu_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return count_ >= count; });
    return notes_;
  }

  std::function<void(Gsi)> end_latch;

 private:
  void Note(const std::string& what) {
    MutexLock lock(mu_);
    notes_ += what + " ";
    ++count_;
    changed_.notify_all();
  }

  Mutex mu_{LockRank::kIrqChip};
  CondVar changed_;
  std::string notes_;
  size_t count_ = 0;
};

// An accelerator's events: takes messages whose data is below a limit.
class FakeKernel final : public IrqEvents {
 public:
  Result<void> Connect(const std::shared_ptr<EventFd>& event, const IrqTarget& target) override {
    Disconnect(event);
    const auto* const message = std::get_if<MsiMessage>(&target);
    if (message == nullptr || message->data >= limit) {
      return Error{"no"};
    }
    connected[event->fd()] = message->data;
    return {};
  }
  void Disconnect(const std::shared_ptr<EventFd>& event) override { connected.erase(event->fd()); }

  u32 limit = 10;
  std::map<int, u32> connected;
};

struct Rig {
  Rig() { table.Attach({nullptr, &chip}); }
  ~Rig() {
    loop.Stop();
    thread.join();
  }
  void UseKernel() {
    table.Detach();
    table.Attach({&kernel, &chip});
  }

  EventLoop loop;
  FakeChip chip;
  FakeKernel kernel;
  IrqEventTable table{loop, chip};
  std::thread thread{[this] { loop.Run(); }};
  std::shared_ptr<EventFd> event = *EventFd::Create(), other = *EventFd::Create(),
                           resample = *EventFd::Create(), other_resample = *EventFd::Create();
};

constexpr MsiMessage Message(u32 data) { return {0xfee00000, data}; }

}  // namespace

TEST_CASE("irq events: a signal sends the message that was connected last") {
  Rig rig;
  REQUIRE(rig.table.Connect(rig.event, Message(1)).ok());
  rig.event->Signal();
  CHECK_EQ(rig.chip.Wait(1), "m1 ");
  REQUIRE(rig.table.Connect(rig.event, Message(2)).ok());
  rig.event->Signal();
  CHECK_EQ(rig.chip.Wait(2), "m1 m2 ");
  rig.table.Disconnect(rig.event);
  rig.event->Signal();
  REQUIRE(rig.table.Connect(rig.other, Message(3)).ok());
  rig.other->Signal();
  CHECK_EQ(rig.chip.Wait(3), "m1 m2 m3 ");
  CHECK_EQ(rig.event->Take(), 1);
}

TEST_CASE("irq events: a signal is an edge, and a line with resample is held") {
  Rig rig;
  REQUIRE(rig.table.Connect(rig.event, EventLine{4}).ok());
  rig.event->Signal();
  CHECK_EQ(rig.chip.Wait(2), "+4 -4 ");
  REQUIRE(rig.table.Connect(rig.event, EventLine{5, rig.resample}).ok());
  rig.event->Signal();
  CHECK_EQ(rig.chip.Wait(3), "+4 -4 set5 ");
  CHECK_EQ(rig.resample->Take(), 0);
  rig.chip.end_latch(6);
  CHECK_EQ(rig.resample->Take(), 0);
  rig.chip.end_latch(5);
  CHECK_EQ(rig.resample->Take(), 1);
}

TEST_CASE("irq events: one that leaves a shared line lowers it, and the other is asked") {
  Rig rig;
  REQUIRE(rig.table.Connect(rig.event, EventLine{5, rig.resample}).ok());
  REQUIRE(rig.table.Connect(rig.other, EventLine{5, rig.other_resample}).ok());
  rig.chip.end_latch(5);
  CHECK_EQ(rig.resample->Take(), 1);
  CHECK_EQ(rig.other_resample->Take(), 1);
  rig.table.Disconnect(rig.event);
  CHECK_EQ(rig.chip.Wait(1), "clear5 ");
  CHECK_EQ(rig.resample->Take(), 0);
  CHECK_EQ(rig.other_resample->Take(), 1);
  REQUIRE(rig.table.Connect(rig.other, Message(1)).ok());  // nor does it hold it any more
  CHECK_EQ(rig.chip.Wait(2), "clear5 clear5 ");
  rig.chip.end_latch(5);
  CHECK_EQ(rig.other_resample->Take(), 0);
}

TEST_CASE("irq events: the kernel has those that it takes, the loop the others") {
  Rig rig;
  rig.UseKernel();
  REQUIRE(rig.table.Connect(rig.event, Message(1)).ok());
  REQUIRE(rig.table.Connect(rig.other, Message(11)).ok());
  CHECK(rig.kernel.connected == std::map<int, u32>{{rig.event->fd(), 1}});
  rig.event->Signal();
  rig.other->Signal();
  CHECK_EQ(rig.chip.Wait(1), "m11 ");
  CHECK_EQ(rig.event->Take(), 1);  // left for the kernel
  REQUIRE(rig.table.Connect(rig.event, Message(12)).ok());
  REQUIRE(rig.table.Connect(rig.other, Message(2)).ok());
  CHECK(rig.kernel.connected == std::map<int, u32>{{rig.other->fd(), 2}});
  rig.event->Signal();
  CHECK_EQ(rig.chip.Wait(2), "m11 m12 ");
  rig.table.Disconnect(rig.other);
  CHECK(rig.kernel.connected.empty());
}

TEST_CASE("irq events: signals wait while there are no controllers, and lines are asked again") {
  Rig rig;
  REQUIRE(rig.table.Connect(rig.event, Message(11)).ok());
  REQUIRE(rig.table.Connect(rig.other, EventLine{5, rig.resample}).ok());
  rig.other->Signal();
  CHECK_EQ(rig.chip.Wait(1), "set5 ");
  rig.table.Detach();
  CHECK_EQ(rig.chip.Wait(2), "set5 clear5 ");
  rig.event->Signal();
  const auto third = *EventFd::Create();
  REQUIRE(rig.table.Connect(third, Message(1)).ok());
  (void)rig.resample->Take();
  rig.table.Attach({&rig.kernel, &rig.chip});
  CHECK_EQ(rig.chip.Wait(3), "set5 clear5 m11 ");
  CHECK_EQ(rig.resample->Take(), 1);
  CHECK(rig.kernel.connected == std::map<int, u32>{{third->fd(), 1}});
}

TEST_CASE("irq events: a line that nobody can hold is an error") {
  Rig rig;
  rig.table.Detach();
  rig.table.Attach({&rig.kernel, nullptr});
  CHECK_FALSE(rig.table.Connect(rig.event, EventLine{5, rig.resample}).ok());
  CHECK(rig.table.Connect(rig.event, EventLine{5}).ok());
}

}  // namespace tandem::devices
