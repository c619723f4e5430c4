// Writes that ring a doorbell instead of reaching a device.
#include <algorithm>
#include <fstream>
#include <regex>

#include "base/log.h"
#include "devices/bus/event_fd.h"
#include "tests/accel/rig.h"

namespace tandem::accel::tests {
namespace {

using devices::Doorbell;
using devices::EventFd;

constexpr u64 kAddress = 0x50000, kOtherAddress = 0x61000, kPort = 0x300;

// Remembers what was written to it: offset, size, value.
class Written final : public devices::Device {
 public:
  struct Write {
    u64 offset, size, value;
    bool operator==(const Write&) const = default;
  };
  std::vector<Write> Take() {
    MutexLock lock(mu_);
    return std::exchange(writes_, {});
  }

 private:
  void DoRead(u64, std::span<std::byte> data) override { devices::SetAccessValue(data, 0); }
  void DoWrite(u64 offset, std::span<const std::byte> data) override {
    writes_.push_back({offset, data.size(), devices::AccessValue(data)});
  }
  void DoReset() override {}

  std::vector<Write> writes_;
};

// What a round of the guest writes.
const std::vector<Written::Write> kToMemory = {
    {0, 1, 5}, {0, 2, 5}, {0, 4, 5}, {0, 4, 6}, {2, 2, 5}};
const std::vector<Written::Write> kToPort = {{0, 1, 5}, {0, 2, 5}, {0, 4, 5}};

std::vector<Written::Write> Without(const std::vector<Written::Write>& all,
                                    std::initializer_list<size_t> taken) {
  std::vector<Written::Write> left;
  for (size_t i = 0; i < all.size(); ++i) {
    if (std::ranges::find(taken, i) == taken.end()) {
      left.push_back(all[i]);
    }
  }
  return left;
}

// A guest that writes to a device in memory and to one at a port when it is told to.
struct DoorbellRig : Rig {
  explicit DoorbellRig(Engine engine) : Rig(engine, "doorbell") {
    at = *memory.MapIo(Gpa(kAddress), 0x1000, in_memory, 0, {.priority = 1});
    REQUIRE(ports.MapIo(Gpa(kPort), 8, at_port).ok());
    Start();
  }

  // A processor that runs sees a change of the map soon, one that is paused before its next access.
  void Settle() {
    run.Pause();
    Start();
  }
  void Ring(u64 address = kAddress, u32 rounds = 1) {
    SetWord(kResult + 4, static_cast<u32>(address));
    SetWord(kResult, rounds);
    ++reported;
    REQUIRE_EQ(reports->WaitFor(reported).size(), reported);
  }

  std::shared_ptr<Written> in_memory = std::make_shared<Written>();
  std::shared_ptr<Written> at_port = std::make_shared<Written>();
  std::shared_ptr<EventFd> event = *EventFd::Create(), other = *EventFd::Create();
  devices::RegionId at{};
  size_t reported = 0;
};

}  // namespace

ENGINE_TEST("a write to a doorbell signals its event, and only others reach the device") {
  DoorbellRig rig(engine);
  rig.memory.SetDoorbells(*rig.in_memory, {{.size = 4, .event = rig.event}});
  rig.ports.SetDoorbells(*rig.at_port, {{.size = 2, .event = rig.other}});
  rig.Ring();
  CHECK_EQ(rig.event->Take(), 2);
  CHECK_EQ(rig.other->Take(), 1);
  CHECK(rig.in_memory->Take() == Without(kToMemory, {2, 3}));
  CHECK(rig.at_port->Take() == Without(kToPort, {1}));
}

ENGINE_TEST("doorbells at one address take their values, sizes and offsets only") {
  DoorbellRig rig(engine);
  const auto third = *EventFd::Create();
  rig.memory.SetDoorbells(*rig.in_memory, {{.size = 4, .value = 6, .event = rig.event},
                                           {.size = 4, .value = 7, .event = rig.other},
                                           {.offset = 2, .size = 2, .value = 5, .event = third}});
  rig.ports.SetDoorbells(*rig.at_port, {{.size = 1, .value = 4, .event = rig.other}});
  rig.Ring();
  CHECK_EQ(rig.event->Take(), 1);
  CHECK_EQ(rig.other->Take(), 0);
  CHECK_EQ(third->Take(), 1);
  CHECK(rig.in_memory->Take() == Without(kToMemory, {3, 4}));
  CHECK(rig.at_port->Take() == kToPort);
}

ENGINE_TEST("a doorbell may take writes of any size") {
  DoorbellRig rig(engine);
  rig.memory.SetDoorbells(*rig.in_memory, {{.event = rig.event}});
  rig.ports.SetDoorbells(*rig.at_port, {{.event = rig.other}});
  rig.Ring();
  CHECK_EQ(rig.event->Take(), 4);
  CHECK_EQ(rig.other->Take(), 3);
  CHECK(rig.in_memory->Take() == Without(kToMemory, {0, 1, 2, 3}));
  CHECK(rig.at_port->Take().empty());
}

ENGINE_TEST("without its doorbells a device sees every write again") {
  DoorbellRig rig(engine);
  rig.memory.SetDoorbells(*rig.in_memory, {{.size = 4, .event = rig.event}});
  rig.ports.SetDoorbells(*rig.at_port, {{.size = 2, .event = rig.other}});
  rig.Ring();
  rig.memory.SetDoorbells(*rig.in_memory, {{.size = 1, .event = rig.event}});
  rig.ports.SetDoorbells(*rig.at_port, {});
  (void)rig.event->Take(), (void)rig.other->Take();
  (void)rig.in_memory->Take(), (void)rig.at_port->Take();
  rig.Ring();
  CHECK_EQ(rig.event->Take(), 1);
  CHECK_EQ(rig.other->Take(), 0);
  CHECK(rig.in_memory->Take() == Without(kToMemory, {0}));
  CHECK(rig.at_port->Take() == kToPort);
}

ENGINE_TEST("a doorbell is hidden with its device, and goes where that goes") {
  DoorbellRig rig(engine);
  rig.memory.SetDoorbells(*rig.in_memory, {{.size = 4, .event = rig.event}});
  const auto above = std::make_shared<Written>();
  const auto id = rig.memory.MapIo(Gpa(kAddress), 8, above, 0, {.priority = 2});
  REQUIRE(id.ok());
  rig.Settle();
  rig.Ring(kAddress);
  CHECK_EQ(rig.event->Take(), 0);
  CHECK(above->Take() == kToMemory);
  rig.memory.Unmap(*id);
  rig.Settle();
  rig.Ring(kAddress);
  CHECK_EQ(rig.event->Take(), 2);
  rig.memory.Move(rig.at, Gpa(kOtherAddress));
  rig.Settle();
  rig.Ring(kAddress);  // memory now
  CHECK_EQ(rig.event->Take(), 0);
  (void)rig.in_memory->Take();
  rig.Ring(kOtherAddress);
  CHECK_EQ(rig.event->Take(), 2);
  CHECK(rig.in_memory->Take() == Without(kToMemory, {2, 3}));
}

TEST_CASE("move: doorbells go along" * doctest::skip(!HasKvm())) {
  DoorbellRig rig(Engine::kInterpreter);
  rig.memory.SetDoorbells(*rig.in_memory, {{.size = 4, .value = 6, .event = rig.event}});
  rig.ports.SetDoorbells(*rig.at_port, {{.size = 2, .event = rig.other}});
  u64 rings = 0;
  for (const Engine engine : {Engine::kKvm, Engine::kTranslator, Engine::kKvmSplit, Engine::kKvmOff,
                              Engine::kKvm, Engine::kInterpreter}) {
    rig.Ring();
    rig.run.Pause();
    rig.MoveTo(engine);
    rig.Start();
    rig.Ring();
    rings += 2;
  }
  CHECK_EQ(rig.event->Take(), rings);
  CHECK_EQ(rig.other->Take(), rings);
  CHECK_EQ(rig.in_memory->Take().size(), rings * (kToMemory.size() - 1));
  CHECK_EQ(rig.at_port->Take().size(), rings * (kToPort.size() - 1));
}

namespace {

struct Exits {
  int of_ports = -1, of_memory = -1;
};

// By what `-d accel` says, after the device was moved.
Exits ExitsOfRounds(Engine engine, u32 rounds, bool has_doorbells) {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/accel.log";
  REQUIRE(SetLogFile(path.c_str()).ok());
  SetLogItems(static_cast<u32>(LogItem::kAccel));
  {
    DoorbellRig rig(engine);
    if (has_doorbells) {
      rig.memory.SetDoorbells(*rig.in_memory,
                              {{.event = rig.event}, {.offset = 2, .size = 2, .event = rig.event}});
      rig.ports.SetDoorbells(*rig.at_port, {{.event = rig.other}});
    }
    rig.memory.Move(rig.at, Gpa(kOtherAddress));
    rig.Ring(kOtherAddress, rounds);
    CHECK_EQ(rig.event->Take(), has_doorbells ? rounds * kToMemory.size() : 0);
    CHECK_EQ(rig.other->Take(), has_doorbells ? rounds * kToPort.size() : 0);
  }
  SetLogItems(0);
  std::ifstream log(path);
  const std::string text{std::istreambuf_iterator<char>(log), {}};
  std::smatch match;
  const std::regex counts("exits of KVM: ([0-9]+) of ports, ([0-9]+) of memory");
  return std::regex_search(text, match, counts) ? Exits{std::stoi(match[1]), std::stoi(match[2])}
                                                : Exits{};
}

}  // namespace

TEST_CASE("kvm: no processor leaves KVM for a doorbell" * doctest::skip(!HasKvm())) {
  constexpr int kRounds = 1000;
  for (const Engine engine : {Engine::kKvm, Engine::kKvmSplit, Engine::kKvmOff}) {
    CAPTURE(engine);
    const Exits without = ExitsOfRounds(engine, kRounds, /*has_doorbells=*/false);
    CHECK_EQ(without.of_memory, kRounds * static_cast<int>(kToMemory.size()));
    CHECK_EQ(without.of_ports, kRounds * static_cast<int>(kToPort.size()) + 1);
    const Exits with = ExitsOfRounds(engine, kRounds, /*has_doorbells=*/true);
    CHECK_EQ(with.of_memory, 0);
    CHECK_EQ(with.of_ports, 1);  // the report
  }
}

}  // namespace tandem::accel::tests
