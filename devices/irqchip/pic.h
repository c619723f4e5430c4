#pragma once

#include <array>
#include <optional>
#include <utility>

#include "base/ints.h"
#include "devices/bus/irq_state.h"

namespace tandem::devices {

// One 8259A (Intel data sheet 231468). Not locked: SoftIrqChip does.
class Pic8259 {
 public:
  // level_capable: the inputs that ELCR may make level-triggered.
  Pic8259(bool is_master, u8 level_capable)
      : is_master_(is_master), level_capable_(level_capable) {}

  void SetLine(u32 input, bool level);
  // The input that would be acknowledged now.
  std::optional<u32> Pending() const;
  // The INTA cycle: the vector of `input`, or of the spurious interrupt 7.
  u8 Acknowledge(std::optional<u32> input);

  // Port 0 is A0 = 0, port 1 is A0 = 1.
  u8 ReadPort(u32 port);
  void WritePort(u32 port, u8 value);
  u8 level_triggered() const { return state_.level_triggered; }
  void SetLevelTriggered(u8 inputs);
  void Reset();
  const PicState& state() const { return state_; }
  void Load(const PicState& state) { state_ = state; }
  // Inputs whose interrupt was ended since the last call, a bit each.
  u8 TakeEnded() { return std::exchange(ended_, u8{0}); }

 private:
  static constexpr u32 kNone = 8;

  u32 HighestPriority(u8 inputs) const;
  void EnterService(u32 input);
  void WriteIcw1(u8 value);
  void WriteOcw2(u8 value);
  void WriteOcw3(u8 value);
  void WriteMaskOrIcw(u8 value);
  u8 Poll();

  const bool is_master_;
  const u8 level_capable_;
  PicState state_;
  u8 ended_ = 0;
};

// The PC's two 8259As, the second behind input 2 of the first.
class PicPair {
 public:
  // irq 0-15.
  void SetLine(u32 irq, bool level);
  bool HasInterrupt() const { return master_.Pending().has_value(); }
  u8 TakeVector();

  // chip 0 is the master.
  u8 ReadPort(u32 chip, u32 port);
  void WritePort(u32 chip, u32 port, u8 value);
  u8 ReadElcr(u32 chip) const { return (chip == 0 ? master_ : slave_).level_triggered(); }
  void WriteElcr(u32 chip, u8 value);
  // Of both, a bit an IRQ.
  u32 TakeEnded() { return master_.TakeEnded() | u32{slave_.TakeEnded()} << 8; }
  void Reset();
  std::array<PicState, 2> Save() const { return {master_.state(), slave_.state()}; }
  void Load(const std::array<PicState, 2>& states);

 private:
  void UpdateCascade();

  Pic8259 master_{true, 0xf8};
  Pic8259 slave_{false, 0xde};
};

}  // namespace tandem::devices
