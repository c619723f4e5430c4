#include "devices/irqchip/split_irq_chip.h"

#include <doctest/doctest.h>

#include <map>
#include <vector>

namespace tandem::devices {
namespace {

// Local APICs that remember what they were sent.
class FakeApics final : public StatefulApics {
 public:
  struct Pin {
    MsiMessage message;
    bool is_masked;
  };

  void SendMsi(MsiMessage message) override { sent.push_back(message); }
  void SetPinMessage(u32 pin, MsiMessage message, bool is_masked) override {
    pins[pin] = {message, is_masked};
  }
  void SetEoiHandler(std::function<void(u8)> handler) override { end_of_interrupt = handler; }
  void Reset() override { ++resets; }
  std::vector<LocalApicState> Save() const override { return states; }
  void Load(const std::vector<LocalApicState>& loaded) override { states = loaded; }

  std::vector<MsiMessage> sent;
  std::map<u32, Pin> pins;
  std::function<void(u8)> end_of_interrupt;
  int resets = 0;
  std::vector<LocalApicState> states;
};

class FakeSignals final : public CpuSignals {
 public:
  void InterruptPending(VcpuId vcpu) override { pending += vcpu == 0; }
  void SendNmi(VcpuId) override {}
  void SendInit(VcpuId) override {}
  void SendStartup(VcpuId, u8) override {}

  int pending = 0;
};

struct Rig {
  void Write(u32 reg, u32 value) {
    Store(0, reg);
    Store(0x10, value);
  }
  void Store(u64 offset, u32 value) {
    std::array<std::byte, 4> data;
    for (u32 i = 0; i < 4; ++i) {
      data[i] = static_cast<std::byte>(value >> (8 * i));
    }
    window->Write(offset, data);
  }
  void Out(Device& ports, u64 offset, u8 value) {
    const std::byte data{value};
    ports.Write(offset, {&data, 1});
  }

  FakeApics apics;
  FakeSignals signals;
  SplitIrqChip chip{apics, signals};
  std::shared_ptr<Device> window = chip.MakeIoApicWindow();
};

}  // namespace

TEST_CASE("split irqchip: a pin that is unmasked sends its message, edge-triggered ones per edge") {
  Rig rig;
  rig.Write(0x10 + 2 * 4 + 1, 0x03000000);
  rig.Write(0x10 + 2 * 4, 0x31);
  REQUIRE(rig.apics.pins.contains(4));
  CHECK_FALSE(rig.apics.pins[4].is_masked);
  CHECK_EQ(rig.apics.pins[4].message.address, 0xfee03000);
  CHECK_EQ(rig.apics.pins[4].message.data, 0x4031);
  rig.chip.SetLine(4, true);
  rig.chip.SetLine(4, false);
  rig.chip.SetLine(4, true);
  REQUIRE_EQ(rig.apics.sent.size(), 2);
  CHECK_EQ(rig.apics.sent[0].data, 0x4031);
  rig.Write(0x10 + 2 * 4, 0x10031);
  CHECK(rig.apics.pins[4].is_masked);
}

TEST_CASE("split irqchip: a level-triggered pin sends again when its interrupt is ended") {
  Rig rig;
  rig.Write(0x10 + 2 * 20, 0x8040);
  CHECK_EQ(rig.apics.pins[20].message.data, 0xc040);
  rig.chip.SetLine(20, true);
  CHECK_EQ(rig.apics.sent.size(), 1);
  rig.apics.end_of_interrupt(0x41);
  CHECK_EQ(rig.apics.sent.size(), 1);
  rig.apics.end_of_interrupt(0x40);
  CHECK_EQ(rig.apics.sent.size(), 2);
  rig.chip.SetLine(20, false);
  rig.apics.end_of_interrupt(0x40);
  CHECK_EQ(rig.apics.sent.size(), 2);
}

TEST_CASE("split irqchip: the 8259s interrupt the first processor only") {
  Rig rig;
  const auto master = rig.chip.MakeMasterPorts();
  for (const auto& [offset, value] : {std::pair{0, 0x11}, {1, 0x20}, {1, 4}, {1, 1}, {1, 0}}) {
    rig.Out(*master, static_cast<u64>(offset), static_cast<u8>(value));
  }
  CHECK_FALSE(rig.chip.HasVector(0));
  rig.chip.SetLine(3, true);
  CHECK_EQ(rig.signals.pending, 1);
  CHECK(rig.chip.HasVector(0));
  CHECK_FALSE(rig.chip.HasVector(1));
  CHECK_FALSE(rig.chip.TakeVector(1).has_value());
  CHECK_EQ(rig.chip.TakeVector(0), 0x23);
  CHECK_FALSE(rig.chip.HasVector(0));
}

TEST_CASE("split irqchip: one that takes the state over sends what waits and tells its pins") {
  IrqState state;
  state.apics.resize(1);
  state.apics[0].base = 0xfee00900;
  state.io_apic.entries.fill(1u << 16);
  state.io_apic.entries[20] = 0x8040;  // level-triggered, high, not sent yet
  state.io_apic.entries[21] = 0xc041;  // sent, not ended
  state.io_apic.lines = 1u << 20 | 1u << 21;
  state.pics[0] = {.lines = 8, .requests = 8, .vector_base = 0x20};
  Rig rig;
  rig.chip.Load(state);
  REQUIRE_EQ(rig.apics.states.size(), 1);
  CHECK_EQ(rig.apics.states[0].base, 0xfee00900);
  REQUIRE_EQ(rig.apics.sent.size(), 1);
  CHECK_EQ(rig.apics.sent[0].data, 0xc040);
  CHECK_EQ(rig.apics.pins[21].message.data, 0xc041);
  CHECK_EQ(rig.signals.pending, 1);
  CHECK_EQ(rig.chip.TakeVector(0), 0x23);
  rig.apics.end_of_interrupt(0x41);
  CHECK_EQ(rig.apics.sent.size(), 2);
}

TEST_CASE("split irqchip: a reset masks all pins and reaches the local APICs") {
  Rig rig;
  rig.Write(0x10, 0x31);
  rig.chip.Reset();
  CHECK(rig.apics.pins[0].is_masked);
  CHECK_EQ(rig.apics.resets, 1);
}

}  // namespace tandem::devices
