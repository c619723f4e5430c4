// api.rst: KVM_GET_LAPIC, KVM_GET_IRQCHIP and their opposites.
#include "accel/kvm/irq_state.h"

#include <algorithm>
#include <cstring>

namespace tandem::accel::kvm {
namespace {

using devices::IoApicState;
using devices::LocalApicState;
using devices::PicState;

constexpr size_t kRegisterStride = 16;
constexpr u8 kCascade = 1 << 2;
constexpr u64 kIoApicBase = 0xfec00000;
constexpr u64 kLevelTriggered = 1u << 15;

bool HasEndedOnce(const LocalApicState& state) {
  constexpr u32 kModeShift = 17, kOneShot = 0;
  using R = LocalApicState;
  return (state.registers[R::kLvtTimer] >> kModeShift & 3) == kOneShot &&
         state.registers[R::kInitialCount] != 0 && state.registers[R::kCurrentCount] == 0;
}

}  // namespace

// An interrupt of the timer's that came while the vCPU did not run is in none of the registers.
LocalApicState FromKvm(const kvm_lapic_state& from) {
  LocalApicState to;
  for (size_t i = 0; i < to.registers.size(); ++i) {
    std::memcpy(&to.registers[i], from.regs + i * kRegisterStride, sizeof(u32));
  }
  to.may_be_due = HasEndedOnce(to);
  return to;
}

// KVM lets a count of zero end at once. To be told that it ended long ago it is told of none.
kvm_lapic_state ToKvm(const LocalApicState& from) {
  LocalApicState state = from;
  if (HasEndedOnce(state) && !state.may_be_due) {
    state.registers[LocalApicState::kInitialCount] = 0;
  }
  kvm_lapic_state to{};
  for (size_t i = 0; i < state.registers.size(); ++i) {
    std::memcpy(to.regs + i * kRegisterStride, &state.registers[i], sizeof(u32));
  }
  return to;
}

// KVM counts the initialisation's steps from one, and shows the cascade as pulses.
PicState FromKvm(const kvm_pic_state& from) {
  return {.lines = from.last_irr,
          .requests = from.irr,
          .mask = from.imr,
          .in_service = from.isr,
          .level_triggered = from.elcr,
          .vector_base = from.irq_base,
          .top_priority = from.priority_add,
          .init_step = from.init_state == 0 ? 0u : from.init_state + 1u,
          .expects_icw4 = from.init4 != 0,
          .reads_in_service = from.read_reg_select != 0,
          .is_polled = from.poll != 0,
          .auto_eoi = from.auto_eoi != 0,
          .rotates_on_auto_eoi = from.rotate_on_auto_eoi != 0,
          .special_mask = from.special_mask != 0,
          .special_fully_nested = from.special_fully_nested_mode != 0};
}

kvm_pic_state ToKvm(const PicState& from, bool is_master) {
  kvm_pic_state to{};
  to.last_irr = is_master ? from.lines & ~(kCascade | 1) : from.lines;  // the PIT's is KVM's own
  to.irr = from.requests;
  to.imr = from.mask;
  to.isr = from.in_service;
  to.priority_add = static_cast<u8>(from.top_priority);
  to.irq_base = from.vector_base;
  to.read_reg_select = from.reads_in_service;
  to.poll = from.is_polled;
  to.special_mask = from.special_mask;
  to.init_state = from.init_step == 0 ? u8{0} : static_cast<u8>(from.init_step - 1);
  to.auto_eoi = from.auto_eoi;
  to.rotate_on_auto_eoi = from.rotates_on_auto_eoi;
  to.special_fully_nested_mode = from.special_fully_nested;
  to.init4 = from.expects_icw4;
  to.elcr = from.level_triggered;
  to.elcr_mask = is_master ? 0xf8 : 0xde;
  return to;
}

IoApicState FromKvm(const kvm_ioapic_state& from) {
  IoApicState to;
  std::transform(std::begin(from.redirtbl), std::end(from.redirtbl), to.entries.begin(),
                 [](const auto& entry) { return u64{entry.bits}; });
  to.select = static_cast<u8>(from.ioregsel);
  to.id = static_cast<u8>(from.id);
  return to;
}

// KVM takes a bit of irr as a line that rises now: an edge that was seen already must not.
kvm_ioapic_state ToKvm(const IoApicState& from) {
  kvm_ioapic_state to{};
  to.base_address = kIoApicBase;
  to.ioregsel = from.select;
  to.id = from.id;
  for (size_t pin = 0; pin < from.entries.size(); ++pin) {
    to.redirtbl[pin].bits = from.entries[pin];
    if ((from.entries[pin] & kLevelTriggered) != 0) {
      to.irr |= from.lines & 1u << pin;
    }
  }
  return to;
}

}  // namespace tandem::accel::kvm
