// Controllers that take a state over.
#include <doctest/doctest.h>

#include "tests/unit/devices/irqchip/rig.h"

namespace tandem::devices {
namespace {

using R = LocalApicState;

// Of two processors; the first one's timer interrupts with 0x51.
IrqState StateWithTimer(u32 mode, u32 initial, u32 current) {
  IrqState state = ChipRig().chip.Save();
  auto& registers = state.apics[0].registers;
  registers[R::kSvr] = 0x1ff;
  registers[R::kLvtTimer] = mode << 17 | 0x51;
  registers[R::kDivide] = 0xb;
  registers[R::kInitialCount] = initial;
  registers[R::kCurrentCount] = current;
  return state;
}

}  // namespace

TEST_CASE("irqchip state: a count goes on where it stood") {
  ChipRig rig;
  rig.chip.Load(StateWithTimer(0, 1000, 300));
  rig.clock.Advance(299);
  CHECK_FALSE(rig.chip.HasVector(0));
  rig.clock.Advance(1);
  CHECK_EQ(rig.chip.TakeVector(0), 0x51);
}

TEST_CASE("irqchip state: a periodic count that was saved at its end does not stand still") {
  ChipRig rig;
  rig.chip.Load(StateWithTimer(1, 1000, 0));
  rig.clock.Advance(1);
  CHECK_EQ(rig.chip.TakeVector(0), 0x51);
  rig.chip.Apic(0)->WriteRegister(0xb0, 0);
  rig.clock.Advance(1000);
  CHECK(rig.chip.HasVector(0));
}

TEST_CASE("irqchip state: a count that has ended interrupts only if it may not have done so") {
  ChipRig rig;
  IrqState state = StateWithTimer(0, 1000, 0);
  rig.chip.Load(state);
  rig.clock.Advance(5000);
  CHECK_FALSE(rig.chip.HasVector(0));
  state.apics[0].may_be_due = true;
  rig.chip.Load(state);
  CHECK(rig.chip.HasVector(0));
}

TEST_CASE("irqchip state: a deadline that has passed interrupts at once") {
  ChipRig rig;
  rig.clock.Advance(100);
  IrqState state = StateWithTimer(2, 0, 0);
  state.apics[0].deadline_ticks = -5000;
  rig.chip.Load(state);
  CHECK(rig.chip.HasVector(0));
}

}  // namespace tandem::devices
