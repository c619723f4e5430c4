#pragma once

#include <optional>

#include "base/ints.h"

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
  u8 level_triggered() const { return level_triggered_; }
  void SetLevelTriggered(u8 inputs);
  void Reset();

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
  u8 lines_ = 0;
  u8 requests_ = 0;
  u8 mask_ = 0;
  u8 in_service_ = 0;
  u8 level_triggered_ = 0;  // ELCR
  u8 vector_base_ = 0;
  u32 top_priority_ = 0;  // the input with the highest priority
  u32 init_step_ = 0;     // the next ICW expected; 0: initialised
  bool expects_icw4_ = false;
  bool reads_in_service_ = false;
  bool is_polled_ = false;
  bool auto_eoi_ = false;
  bool rotates_on_auto_eoi_ = false;
  bool special_mask_ = false;
  bool special_fully_nested_ = false;
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
  void Reset();

 private:
  void UpdateCascade();

  Pic8259 master_{true, 0xf8};
  Pic8259 slave_{false, 0xde};
};

}  // namespace tandem::devices
