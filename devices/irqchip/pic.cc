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
  const bool was_high = (lines_ & bit) != 0;
  lines_ = level ? lines_ | bit : lines_ & ~bit;
  if ((level_triggered_ & bit) != 0) {
    requests_ = level ? requests_ | bit : requests_ & ~bit;
  } else if (level && !was_high) {
    requests_ |= bit;  // stays latched when the line falls, so that pulses count ...
  } else if (!level && is_master_ && input == kCascade) {
    requests_ &= ~bit;  // ... unless it is the slave that has nothing any more
  }
}

// 0 (highest) to 7 relative to the rotation, kNone for no input.
u32 Pic8259::HighestPriority(u8 inputs) const {
  for (u32 priority = 0; priority < 8; ++priority) {
    if ((inputs & BitOf(top_priority_ + priority)) != 0) {
      return priority;
    }
  }
  return kNone;
}

std::optional<u32> Pic8259::Pending() const {
  const u32 wanted = HighestPriority(requests_ & ~mask_);
  u8 blocking = in_service_;
  if (special_mask_) {
    blocking &= ~mask_;
  }
  if (special_fully_nested_ && is_master_) {
    blocking &= ~BitOf(kCascade);  // the slave may interrupt itself
  }
  if (wanted >= HighestPriority(blocking)) {
    return std::nullopt;
  }
  return (top_priority_ + wanted) & 7;
}

void Pic8259::EnterService(u32 input) {
  if (!auto_eoi_) {
    in_service_ |= BitOf(input);
  } else if (rotates_on_auto_eoi_) {
    top_priority_ = (input + 1) & 7;
  }
  if ((level_triggered_ & BitOf(input)) == 0) {
    requests_ &= ~BitOf(input);
  }
}

u8 Pic8259::Acknowledge(std::optional<u32> input) {
  if (!input) {
    return vector_base_ + kSpurious;
  }
  EnterService(*input);
  return static_cast<u8>(vector_base_ + *input);
}

u8 Pic8259::Poll() {
  is_polled_ = false;
  const std::optional<u32> input = Pending();
  if (!input) {
    return kSpurious;
  }
  EnterService(*input);
  return static_cast<u8>(0x80 | *input);
}

u8 Pic8259::ReadPort(u32 port) {
  if (is_polled_) {
    return Poll();
  }
  if (port == 1) {
    return mask_;
  }
  return reads_in_service_ ? in_service_ : requests_;
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
  const u8 elcr = level_triggered_;
  const u8 lines = lines_;
  Reset();
  level_triggered_ = elcr;
  lines_ = lines;  // an edge counts only from now on
  requests_ = lines & elcr;
  init_step_ = 2;
  expects_icw4_ = Bit(value, 0);
}

void Pic8259::WriteMaskOrIcw(u8 value) {
  switch (init_step_) {
    case 2:
      vector_base_ = value & 0xf8;
      init_step_ = 3;
      break;
    case 3:
      init_step_ = expects_icw4_ ? 4 : 0;
      break;
    case 4:
      special_fully_nested_ = Bit(value, 4);
      auto_eoi_ = Bit(value, 1);
      init_step_ = 0;
      break;
    default:
      mask_ = value;
      break;
  }
}

void Pic8259::WriteOcw2(u8 value) {
  const bool rotates = Bit(value, 7);
  const bool is_specific = Bit(value, 6);
  const bool is_eoi = Bit(value, 5);
  u32 input = value & 7;
  if (!is_eoi && !is_specific) {
    rotates_on_auto_eoi_ = rotates;
    return;
  }
  if (is_eoi && !is_specific) {
    const u32 priority = HighestPriority(in_service_);
    if (priority == kNone) {
      return;
    }
    input = (top_priority_ + priority) & 7;
  }
  if (is_eoi) {
    in_service_ &= ~BitOf(input);
  }
  if (rotates) {
    top_priority_ = (input + 1) & 7;
  }
}

void Pic8259::WriteOcw3(u8 value) {
  is_polled_ = Bit(value, 2);
  if (Bit(value, 1)) {
    reads_in_service_ = Bit(value, 0);
  }
  if (Bit(value, 6)) {
    special_mask_ = Bit(value, 5);
  }
}

void Pic8259::SetLevelTriggered(u8 inputs) {
  level_triggered_ = inputs & level_capable_;
  requests_ |= lines_ & level_triggered_;
}

void Pic8259::Reset() {
  lines_ = 0;
  requests_ = 0;
  mask_ = 0;
  in_service_ = 0;
  level_triggered_ = 0;
  top_priority_ = 0;
  init_step_ = 0;
  expects_icw4_ = false;
  reads_in_service_ = false;
  is_polled_ = false;
  auto_eoi_ = false;
  rotates_on_auto_eoi_ = false;
  special_mask_ = false;
  special_fully_nested_ = false;
}

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

}  // namespace tandem::devices
