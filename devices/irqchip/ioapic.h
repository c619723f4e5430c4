#pragma once

#include <array>
#include <optional>

#include "devices/bus/irq_state.h"
#include "devices/irqchip/apic_message.h"

namespace tandem::devices {

// An I/O APIC with 24 pins (82093AA data sheet; version 0x20 adds the EOI register). Not locked:
// SoftIrqChip does. Lines carry "asserted", so polarity is only stored.
class IoApic {
 public:
  static constexpr u64 kBase = 0xfec00000;
  static constexpr u64 kLength = 0x1000;
  static constexpr u32 kPins = IoApicState::kPins;

  explicit IoApic(ApicBus& bus) : bus_(bus) { Reset(); }

  void SetLine(u32 pin, bool level);
  // Some local APIC ended `vector`.
  void EndOfInterrupt(u8 vector);

  u32 Read(u32 offset) const;
  void Write(u32 offset, u32 value);
  // What the pin sends when it is raised; nothing while it is masked.
  std::optional<ApicMessage> PinMessage(u32 pin) const;
  void Reset();
  const IoApicState& state() const { return state_; }
  // What a high line has not sent yet is sent.
  void Load(const IoApicState& state);

 private:
  u32 ReadRegister() const;
  void WriteRegister(u32 value);
  void WriteEntry(u32 pin, bool is_high, u32 value);
  void Send(u32 pin);

  ApicBus& bus_;
  IoApicState state_;
};

}  // namespace tandem::devices
