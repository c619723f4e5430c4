#pragma once

#include <array>
#include <functional>
#include <optional>

#include "devices/bus/clock.h"
#include "devices/bus/irq_state.h"
#include "devices/irqchip/apic_message.h"
#include "devices/irqchip/vector_set.h"

namespace tandem::devices {

// The state and rules of one local APIC, xAPIC and x2APIC (SDM Vol. 3, "Advanced Programmable
// Interrupt Controller"). Not locked: SoftIrqChip does.
class ApicCore {
 public:
  // on_timer runs without locks; it is to take the chip's lock and call OnTimer().
  ApicCore(VcpuId id, Clock& clock, ApicBus& bus, std::function<void()> on_timer);

  // Registers by number: xAPIC offset / 16, x2APIC MSR - 0x800.
  u32 ReadRegister(u32 number);
  void WriteRegister(u32 number, u32 value);
  std::optional<u64> ReadMsr(u32 index);
  bool WriteMsr(u32 index, u64 value);
  u8 task_priority() const { return tpr_; }
  void SetTaskPriority(u8 value) { tpr_ = value; }

  // Power-on, and INIT (which keeps the base register).
  void Reset();
  void Init();

  bool IsAddressedBy(const ApicMessage& message) const;
  bool IsEnabled() const { return IsHardwareEnabled() && (svr_ & kSoftwareEnable) != 0; }
  u8 ProcessorPriority() const;
  // A Fixed or LowestPriority message, or a local interrupt, arrives.
  void Accept(u8 vector, bool is_level);
  // The vector to be delivered now, if its class is above the processor's priority.
  std::optional<u8> PendingVector() const;
  // Moves PendingVector() from IRR to ISR.
  u8 TakeVector();
  // Whether LINT0 passes the 8259's interrupt on as ExtINT; so does a disabled APIC.
  bool AcceptsExtInt() const;
  // What else LINT0 does with a rising 8259 output: Fixed or NMI.
  void OnLint0Edge();
  void OnTimer();

  // apic_state.cc
  LocalApicState Save() const;
  void Load(const LocalApicState& state);

 private:
  static constexpr u32 kSoftwareEnable = 1u << 8;
  enum Lvt : u32 { kTimer, kThermal, kPerformance, kLint0, kLint1, kError, kLvtCount };

  bool IsHardwareEnabled() const { return (base_ & (1u << 11)) != 0; }
  bool IsX2() const { return (base_ & (1u << 10)) != 0; }
  u32 LogicalId() const;
  bool MatchesLogical(const ApicMessage& message) const;
  bool WriteBase(u64 value);
  std::optional<u64> ReadX2(u32 number);
  bool WriteX2(u32 number, u64 value);
  void WriteSpurious(u32 value);
  void WriteLvt(u32 lvt, u32 value);
  void WriteErrorStatus();
  void WriteCommand(u32 low);
  void EndOfInterrupt();
  void RaiseError(u32 bit);
  void RaiseLvt(u32 lvt);

  // apic_timer.cc
  u32 TimerMode() const { return (lvt_[kTimer] >> 17) & 3; }
  u64 TickNs() const;
  u32 CurrentCount() const;
  void WriteInitialCount(u32 value);
  void WriteDivide(u32 value);
  void WriteDeadline(u64 value);
  void RestartCount(u32 count);
  void LoadTimer(const LocalApicState& state);
  void StopTimer();
  void ArmTimer(u64 at_ns);

  const VcpuId id_;
  Clock& clock_;
  ApicBus& bus_;
  u64 base_ = 0;
  u8 xapic_id_ = 0;  // software may change it, INIT keeps it
  u8 tpr_ = 0;
  u32 svr_ = 0;
  u32 ldr_ = 0;
  u32 dfr_ = 0;
  VectorSet isr_;
  VectorSet irr_;
  VectorSet tmr_;
  std::array<u32, kLvtCount> lvt_{};
  u32 icr_low_ = 0;
  u32 icr_high_ = 0;
  u32 esr_ = 0;
  u32 errors_ = 0;  // seen since ESR was last written
  bool is_raising_error_ = false;
  u32 divide_ = 0;
  u32 initial_count_ = 0;
  u64 deadline_ = 0;              // IA32_TSC_DEADLINE
  std::optional<u64> expiry_ns_;  // when the timer fires next
  Timer timer_;
};

}  // namespace tandem::devices
