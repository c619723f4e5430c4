#include "devices/irqchip/ioapic.h"

#include "base/bits.h"

namespace tandem::devices {
namespace {

constexpr u32 kSelect = 0x00;
constexpr u32 kWindow = 0x10;
constexpr u32 kEoi = 0x40;

constexpr u8 kIdRegister = 0;
constexpr u8 kVersionRegister = 1;
constexpr u8 kArbitrationRegister = 2;
constexpr u8 kFirstEntry = 0x10;

constexpr u32 kVersion = 0x20;

constexpr u64 kLogical = 1u << 11;
constexpr u64 kRemoteIrr = 1u << 14;
constexpr u64 kLevel = 1u << 15;
constexpr u64 kMasked = 1u << 16;
constexpr u32 kWritableLow = 0x1afff;

ApicMessage MessageOf(u64 entry) {
  return {.destination = static_cast<u32>(entry >> 56),
          .is_logical = (entry & kLogical) != 0,
          .is_level = (entry & kLevel) != 0,
          .mode = static_cast<DeliveryMode>(BitsOf(entry, 8, 3)),
          .vector = static_cast<u8>(entry)};
}

}  // namespace

void IoApic::Reset() {
  state_ = {};
  state_.entries.fill(kMasked);
}

void IoApic::Load(const IoApicState& state) {
  state_ = state;
  for (u32 pin = 0; pin < kPins; ++pin) {
    if (Bit(state_.lines, pin) && (state_.entries[pin] & kLevel) != 0) {
      Send(pin);
    }
  }
}

void IoApic::SetLine(u32 pin, bool level) {
  const bool was_high = Bit(state_.lines, pin);
  state_.lines = static_cast<u32>(WithBit(state_.lines, pin, level));
  if (level && (!was_high || (state_.entries[pin] & kLevel) != 0)) {
    Send(pin);
  }
}

// Sends the pin's message, unless it is masked or an earlier level interrupt has not been ended.
void IoApic::Send(u32 pin) {
  u64& entry = state_.entries[pin];
  if ((entry & (kMasked | kRemoteIrr)) != 0) {
    return;
  }
  const bool is_level = (entry & kLevel) != 0;
  const DeliveryMode mode = static_cast<DeliveryMode>(BitsOf(entry, 8, 3));
  if (is_level && (mode == DeliveryMode::kFixed || mode == DeliveryMode::kLowestPriority)) {
    entry |= kRemoteIrr;
  }
  bus_.Deliver(MessageOf(entry));
}

std::optional<ApicMessage> IoApic::PinMessage(u32 pin) const {
  const bool is_masked = (state_.entries[pin] & kMasked) != 0;
  return is_masked ? std::nullopt : std::optional(MessageOf(state_.entries[pin]));
}

void IoApic::EndOfInterrupt(u8 vector) {
  for (u32 pin = 0; pin < kPins; ++pin) {
    u64& entry = state_.entries[pin];
    if ((entry & kRemoteIrr) == 0 || static_cast<u8>(entry) != vector) {
      continue;
    }
    entry &= ~kRemoteIrr;
    bus_.OnPinEnded(pin);
    if (Bit(state_.lines, pin)) {
      Send(pin);
    }
  }
}

u32 IoApic::Read(u32 offset) const {
  switch (offset & 0xff) {
    case kSelect:
      return state_.select;
    case kWindow:
      return ReadRegister();
    default:
      return 0;
  }
}

u32 IoApic::ReadRegister() const {
  switch (state_.select) {
    case kIdRegister:
    case kArbitrationRegister:
      return u32{state_.id} << 24;
    case kVersionRegister:
      return kVersion | (kPins - 1) << 16;
    default:
      break;
  }
  const u32 index = state_.select - kFirstEntry;
  if (state_.select < kFirstEntry || index / 2 >= kPins) {
    return 0;
  }
  return static_cast<u32>(state_.entries[index / 2] >> (32 * (index & 1)));
}

void IoApic::Write(u32 offset, u32 value) {
  switch (offset & 0xff) {
    case kSelect:
      state_.select = static_cast<u8>(value);
      break;
    case kWindow:
      WriteRegister(value);
      break;
    case kEoi:
      EndOfInterrupt(static_cast<u8>(value));
      break;
    default:
      break;
  }
}

void IoApic::WriteRegister(u32 value) {
  if (state_.select == kIdRegister) {
    state_.id = (value >> 24) & 0xf;
  } else if (state_.select >= kFirstEntry && (state_.select - kFirstEntry) / 2u < kPins) {
    WriteEntry((state_.select - kFirstEntry) / 2u, Bit(state_.select, 0), value);
  }
}

void IoApic::WriteEntry(u32 pin, bool is_high, u32 value) {
  u64& entry = state_.entries[pin];
  if (is_high) {
    entry = (entry & 0xffffffff) | u64{value & 0xff000000} << 32;
    return;
  }
  entry = (entry & ~u64{kWritableLow}) | (value & kWritableLow);
  if ((entry & kLevel) == 0) {
    entry &= ~kRemoteIrr;  // switching to edge and back is how old drivers end an interrupt
  } else if (Bit(state_.lines, pin)) {
    Send(pin);
  }
}

}  // namespace tandem::devices
