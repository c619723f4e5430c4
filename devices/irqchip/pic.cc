#include "devices/irqchip/pic.h"

#include "base/bits.h"

namespace tandem::devices {
namespace {

constexpr u8 BitOf(u32 input) { return static_cast<u8>(1u << (input & 7)); }

constexpr u32 kSpurious = 7;
constexpr u32 kCascade = 2;

}  // namespace

void Pic8259::SetLine(u32 input, bool level) {
  const u8 bit = BitOf(input);
  const bool was_high = (state_.lines & bit) != 0;
  state_.lines = level ? state_.lines | bit : state_.lines & ~bit;
  if ((state_.level_triggered & bit) != 0) {
    state_.requests = level ? state_.requests | bit : state_.requests & ~bit;
  } else if (level && !was_high) {
    state_.requests |= bit;  // stays latched when the line falls, so that pulses count ...
  } else if (!level && is_master_ && input == kCascade) {
    state_.requests &= ~bit;  // ... unless it is the slave that has nothing any more
  }
}

// 0 (highest) to 7 relative to the rotation, kNone for no input.
u32 Pic8259::HighestPriority(u8 inputs) const {
  for (u32 priority = 0; priority < 8; ++priority) {
    if ((inputs & BitOf(state_.top_priority + priority)) != 0) {
      return priority;
    }
  }
  return kNone;
}

std::optional<u32> Pic8259::Pending() const {
  const u32 wanted = HighestPriority(state_.requests & ~state_.mask);
  u8 blocking = state_.in_service;
  if (state_.special_mask) {
    blocking &= ~state_.mask;
  }
  if (state_.special_fully_nested && is_master_) {
    blocking &= ~BitOf(kCascade);  // the slave may interrupt itself
  }
  if (wanted >= HighestPriority(blocking)) {
    return std::nullopt;
  }
  return (state_.top_priority + wanted) & 7;
}

void Pic8259::EnterService(u32 input) {
  if (!state_.auto_eoi) {
    state_.in_service |= BitOf(input);
  } else {
    ended_ |= BitOf(input);
    state_.top_priority = state_.rotates_on_auto_eoi ? (input + 1) & 7 : state_.top_priority;
  }
  if ((state_.level_triggered & BitOf(input)) == 0) {
    state_.requests &= ~BitOf(input);
  }
}

u8 Pic8259::Acknowledge(std::optional<u32> input) {
  if (!input) {
    return state_.vector_base + kSpurious;
  }
  EnterService(*input);
  return static_cast<u8>(state_.vector_base + *input);
}

u8 Pic8259::Poll() {
  state_.is_polled = false;
  const std::optional<u32> input = Pending();
  if (!input) {
    return kSpurious;
  }
  EnterService(*input);
  return static_cast<u8>(0x80 | *input);
}

u8 Pic8259::ReadPort(u32 port) {
  if (state_.is_polled) {
    return Poll();
  }
  if (port == 1) {
    return state_.mask;
  }
  return state_.reads_in_service ? state_.in_service : state_.requests;
}

void Pic8259::WritePort(u32 port, u8 value) {
  if (port == 1) {
    WriteMaskOrIcw(value);
  } else if (Bit(value, 4)) {
    WriteIcw1(value);
  } else if (Bit(value, 3)) {
    WriteOcw3(value);
  } else {
    WriteOcw2(value);
  }
}

void Pic8259::WriteIcw1(u8 value) {
  const u8 elcr = state_.level_triggered;
  const u8 lines = state_.lines;
  Reset();
  state_.level_triggered = elcr;
  state_.lines = lines;  // an edge counts only from now on
  state_.requests = lines & elcr;
  state_.init_step = 2;
  state_.expects_icw4 = Bit(value, 0);
}

void Pic8259::WriteMaskOrIcw(u8 value) {
  switch (state_.init_step) {
    case 2:
      state_.vector_base = value & 0xf8;
      state_.init_step = 3;
      break;
    case 3:
      state_.init_step = state_.expects_icw4 ? 4 : 0;
      break;
    case 4:
      state_.special_fully_nested = Bit(value, 4);
      state_.auto_eoi = Bit(value, 1);
      state_.init_step = 0;
      break;
    default:
      state_.mask = value;
      break;
  }
}

void Pic8259::WriteOcw2(u8 value) {
  const bool rotates = Bit(value, 7);
  const bool is_specific = Bit(value, 6);
  const bool is_eoi = Bit(value, 5);
  u32 input = value & 7;
  if (!is_eoi && !is_specific) {
    state_.rotates_on_auto_eoi = rotates;
    return;
  }
  if (is_eoi && !is_specific) {
    const u32 priority = HighestPriority(state_.in_service);
    if (priority == kNone) {
      return;
    }
    input = (state_.top_priority + priority) & 7;
  }
  if (is_eoi) {
    ended_ |= state_.in_service & BitOf(input);
    state_.in_service &= ~BitOf(input);
  }
  if (rotates) {
    state_.top_priority = (input + 1) & 7;
  }
}

void Pic8259::WriteOcw3(u8 value) {
  state_.is_polled = Bit(value, 2);
  if (Bit(value, 1)) {
    state_.reads_in_service = Bit(value, 0);
  }
  if (Bit(value, 6)) {
    state_.special_mask = Bit(value, 5);
  }
}

void Pic8259::SetLevelTriggered(u8 inputs) {
  state_.level_triggered = inputs & level_capable_;
  state_.requests |= state_.lines & state_.level_triggered;
}

void Pic8259::Reset() { state_ = {.vector_base = state_.vector_base}; }

void PicPair::SetLine(u32 irq, bool level) {
  if (irq >= 8) {
    slave_.SetLine(irq - 8, level);
    UpdateCascade();
  } else if (irq != kCascade) {
    master_.SetLine(irq, level);
  }
}

void PicPair::UpdateCascade() { master_.SetLine(kCascade, slave_.Pending().has_value()); }

u8 PicPair::TakeVector() {
  const std::optional<u32> input = master_.Pending();
  u8 vector = master_.Acknowledge(input);
  if (input == kCascade) {
    vector = slave_.Acknowledge(slave_.Pending());
    // The slave's output drops during INTA and rises again for what else is pending.
    master_.SetLine(kCascade, false);
    UpdateCascade();
  }
  return vector;
}

u8 PicPair::ReadPort(u32 chip, u32 port) {
  const u8 value = (chip == 0 ? master_ : slave_).ReadPort(port);
  UpdateCascade();
  return value;
}

void PicPair::WritePort(u32 chip, u32 port, u8 value) {
  (chip == 0 ? master_ : slave_).WritePort(port, value);
  UpdateCascade();
}

void PicPair::WriteElcr(u32 chip, u8 value) {
  (chip == 0 ? master_ : slave_).SetLevelTriggered(value);
  UpdateCascade();
}

void PicPair::Reset() {
  master_.Reset();
  slave_.Reset();
}

// The cascade is a level here; whoever saved the state may have seen it as pulses.
void PicPair::Load(const std::array<PicState, 2>& states) {
  PicState master = states[0];
  master.lines &= static_cast<u8>(~BitOf(kCascade));
  master_.Load(master);
  slave_.Load(states[1]);
  UpdateCascade();
}

}  // namespace tandem::devices
