// ApicCore's state as others understand it.
#include <algorithm>

#include "devices/irqchip/apic_core.h"

namespace tandem::devices {
namespace {

using Register = LocalApicState::Register;

constexpr u32 kIdShift = 24;
constexpr u32 kPeriodic = 1;
constexpr u32 kDeadline = 2;

void LoadVectors(VectorSet& set, const LocalApicState& state, u32 first) {
  for (u32 word = 0; word < 8; ++word) {
    set.SetWord(word, state.registers[first + word]);
  }
}

}  // namespace

LocalApicState ApicCore::Save() const {
  LocalApicState state;
  state.base = base_;
  state.errors = errors_;
  auto& registers = state.registers;
  registers[Register::kId] = (IsX2() ? id_ : xapic_id_) << kIdShift;
  registers[Register::kTpr] = tpr_;
  registers[Register::kLdr] = LogicalId();
  registers[Register::kDfr] = dfr_;
  registers[Register::kSvr] = svr_;
  for (u32 word = 0; word < 8; ++word) {
    registers[Register::kIsr + word] = isr_.Word(word);
    registers[Register::kTmr + word] = tmr_.Word(word);
    registers[Register::kIrr + word] = irr_.Word(word);
  }
  registers[Register::kEsr] = esr_;
  registers[Register::kIcrLow] = icr_low_;
  registers[Register::kIcrHigh] = icr_high_;
  std::copy(lvt_.begin(), lvt_.end(), registers.begin() + Register::kLvtTimer);
  registers[Register::kInitialCount] = initial_count_;
  registers[Register::kCurrentCount] = CurrentCount();
  registers[Register::kDivide] = divide_;
  if (TimerMode() == kDeadline && expiry_ns_) {
    state.deadline_ticks = static_cast<i64>(*expiry_ns_ - clock_.NowNs());
  }
  return state;
}

void ApicCore::Load(const LocalApicState& state) {
  const auto& registers = state.registers;
  base_ = state.base;
  errors_ = state.errors;
  xapic_id_ = static_cast<u8>(registers[Register::kId] >> kIdShift);
  tpr_ = static_cast<u8>(registers[Register::kTpr]);
  ldr_ = registers[Register::kLdr];
  dfr_ = registers[Register::kDfr];
  svr_ = registers[Register::kSvr];
  LoadVectors(isr_, state, Register::kIsr);
  LoadVectors(tmr_, state, Register::kTmr);
  LoadVectors(irr_, state, Register::kIrr);
  esr_ = registers[Register::kEsr];
  icr_low_ = registers[Register::kIcrLow];
  icr_high_ = registers[Register::kIcrHigh];
  std::copy_n(registers.begin() + Register::kLvtTimer, lvt_.size(), lvt_.begin());
  LoadTimer(state);
}

void ApicCore::LoadTimer(const LocalApicState& state) {
  StopTimer();
  deadline_ = 0;
  divide_ = state.registers[Register::kDivide];
  initial_count_ = state.registers[Register::kInitialCount];
  if (state.may_be_due) {
    RaiseLvt(kTimer);  // once too often does less harm than never
  } else if (TimerMode() != kDeadline) {
    const u32 count = state.registers[Register::kCurrentCount];
    const bool is_at_end = TimerMode() == kPeriodic && initial_count_ != 0 && count == 0;
    RestartCount(is_at_end ? 1 : count);
  } else if (state.deadline_ticks) {
    const i64 at = static_cast<i64>(clock_.NowNs()) + *state.deadline_ticks;
    WriteDeadline(static_cast<u64>(std::max<i64>(at, 1)));
  }
}

}  // namespace tandem::devices
