#include "devices/bus/doorbell.h"

#include <functional>
#include <vector>

#include "devices/bus/address_space.h"
#include "devices/bus/event_fd.h"

// doctest's CHECK takes the place of base's, so its header comes last.
#include <doctest/doctest.h>

namespace tandem::devices {
namespace {

class Register final : public Device {
 public:
  std::vector<u64> written;
  std::function<void()> on_write = [] {};

 private:
  void DoRead(u64, std::span<std::byte> data) override { SetAccessValue(data, 0); }
  void DoWrite(u64, std::span<const std::byte> data) override {
    written.push_back(AccessValue(data));
    on_write();
  }
  void DoReset() override {}
};

class Listener final : public TopologyListener {
 public:
  void OnViewChanged(const std::shared_ptr<const FlatView>&) override {}
  void OnDirtyLogChanged() override {}
  void OnDirtyLogWanted() override {}
  void OnDoorbellsChanged() override { ++changes; }

  int changes = 0;
};

// A device at 0x1000, seen from offset 0x100 on.
struct Rig {
  Rig() { REQUIRE(space.MapIo(Gpa(0x1000), 0x10, device, 0x100).ok()); }

  void Write(u64 address, size_t size, u64 value) {
    std::vector<std::byte> data(size);
    SetAccessValue(data, value);
    (void)space.View()->Write(Gpa(address), data);
  }

  AddressSpace space;
  std::shared_ptr<Register> device = std::make_shared<Register>();
  std::shared_ptr<EventFd> event = *EventFd::Create(), other = *EventFd::Create();
};

}  // namespace

TEST_CASE("event: signals are counted until they are taken") {
  const auto event = *EventFd::Create();
  CHECK_EQ(event->Take(), 0);
  event->Signal();
  event->Signal();
  CHECK_EQ(event->Take(), 2);
  CHECK_EQ(event->Take(), 0);
}

TEST_CASE("doorbell: a write of its offset and size rings it and does not reach the device") {
  Rig rig;
  rig.space.SetDoorbells(*rig.device, {{.offset = 0x102, .size = 2, .event = rig.event}});
  rig.Write(0x1002, 2, 7);
  CHECK_EQ(rig.event->Take(), 1);
  CHECK(rig.device->written.empty());
  rig.Write(0x1002, 1, 1);
  rig.Write(0x1002, 4, 2);
  rig.Write(0x1000, 2, 3);
  rig.Write(0x1004, 2, 4);
  CHECK_EQ(rig.event->Take(), 0);
  CHECK(rig.device->written == std::vector<u64>{1, 2, 3, 4});
}

TEST_CASE("doorbell: values part writes among doorbells at one offset") {
  Rig rig;
  rig.space.SetDoorbells(*rig.device, {{.offset = 0x100, .size = 4, .value = 0, .event = rig.event},
                                       {.offset = 0x100, .size = 4, .value = 1, .event = rig.other},
                                       {.offset = 0x100, .size = 2, .event = rig.event}});
  rig.Write(0x1000, 4, 1);
  CHECK_EQ(rig.event->Take(), 0);
  CHECK_EQ(rig.other->Take(), 1);
  rig.Write(0x1000, 4, 0);
  rig.Write(0x1000, 2, 1);
  CHECK_EQ(rig.event->Take(), 2);
  rig.Write(0x1000, 4, 0x10001);
  CHECK_EQ(rig.event->Take() + rig.other->Take(), 0);
  CHECK(rig.device->written == std::vector<u64>{0x10001});
}

TEST_CASE("doorbell: one of any size takes what begins at its offset, also of a longer access") {
  Rig rig;
  rig.space.SetDoorbells(*rig.device, {{.offset = 0x108, .event = rig.event}});
  for (const size_t size : {1, 2, 4, 8}) {
    rig.Write(0x1008, size, 0);
  }
  CHECK_EQ(rig.event->Take(), 4);
  rig.Write(0x1000, 16, 5);  // a vector register's
  CHECK_EQ(rig.event->Take(), 1);
  CHECK(rig.device->written == std::vector<u64>{5});
}

TEST_CASE("doorbell: new ones take the place of the old, and listeners are told") {
  Rig rig;
  Listener listener;
  rig.space.Listen(listener);
  rig.space.SetDoorbells(*rig.device, {{.offset = 0x100, .size = 1, .event = rig.event}});
  rig.space.SetDoorbells(*rig.device, {{.offset = 0x101, .size = 1, .event = rig.other}});
  rig.Write(0x1000, 1, 8);
  rig.Write(0x1001, 1, 9);
  CHECK_EQ(rig.event->Take(), 0);
  CHECK_EQ(rig.other->Take(), 1);
  rig.space.SetDoorbells(*rig.device, {});
  rig.Write(0x1001, 1, 9);
  CHECK_EQ(rig.other->Take(), 0);
  CHECK(rig.device->written == std::vector<u64>{8, 9});
  CHECK_EQ(listener.changes, 3);
  rig.space.Unlisten(listener);
  rig.space.SetDoorbells(*rig.device, {});
  CHECK_EQ(listener.changes, 3);
}

TEST_CASE("doorbell: a device may have new ones while it serves a write") {
  Rig rig;
  Listener listener;
  rig.space.Listen(listener);
  rig.device->on_write = [&] {
    rig.space.SetDoorbells(*rig.device, {{.offset = 0x104, .size = 2, .event = rig.event}});
  };
  rig.Write(0x1004, 2, 1);
  rig.Write(0x1004, 2, 2);
  CHECK_EQ(rig.event->Take(), 1);
  CHECK(rig.device->written == std::vector<u64>{1});
  CHECK_EQ(listener.changes, 1);
  rig.space.Unlisten(listener);
}

TEST_CASE("doorbell: it goes where its device is mapped") {
  Rig rig;
  const auto id = rig.space.MapIo(Gpa(0x2000), 4, rig.device);
  rig.space.SetDoorbells(*rig.device, {{.offset = 0, .size = 4, .event = rig.event}});
  rig.space.Move(*id, Gpa(0x3000));
  rig.Write(0x2000, 4, 0);
  CHECK_EQ(rig.event->Take(), 0);
  rig.Write(0x3000, 4, 0);
  CHECK_EQ(rig.event->Take(), 1);
}

TEST_CASE("doorbell: which pairs would take the same write") {
  const auto any = Doorbell{.offset = 2, .size = 0, .event = nullptr};
  const auto four = Doorbell{.offset = 2, .size = 4, .event = nullptr};
  const auto one = Doorbell{.offset = 2, .size = 4, .value = 1, .event = nullptr};
  const auto two = Doorbell{.offset = 2, .size = 4, .value = 2, .event = nullptr};
  const auto word = Doorbell{.offset = 2, .size = 2, .value = 1, .event = nullptr};
  const auto elsewhere = Doorbell{.offset = 3, .size = 4, .event = nullptr};
  CHECK(any.Overlaps(word));
  CHECK(four.Overlaps(one));
  CHECK(two.Overlaps(two));
  CHECK_FALSE(one.Overlaps(two));
  CHECK_FALSE(word.Overlaps(four));
  CHECK_FALSE(any.Overlaps(elsewhere));
}

}  // namespace tandem::devices
