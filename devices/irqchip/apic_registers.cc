// The register side of ApicCore: what the memory page and the MSRs show.
#include "base/bits.h"
#include "devices/irqchip/apic_core.h"

namespace tandem::devices {
namespace {

using enum LocalApicState::Register;

constexpr u32 kVersionValue = 0x00050014;  // six LVT entries, version 0x14
constexpr u32 kMsrBase = 0x1b;
constexpr u32 kMsrTscDeadline = 0x6e0;
constexpr u32 kMsrFirst = 0x800;
constexpr u32 kMsrLast = 0x8ff;

constexpr u64 kBaseX2 = 1u << 10;
constexpr u64 kBaseEnable = 1u << 11;
constexpr u64 kBaseReserved = 0xfff00000000002ff;

constexpr u32 kLvtMasked = 1u << 16;
constexpr u32 kLvtWritable[] = {0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff};

constexpr u32 kErrorSentIllegalVector = 1u << 5;
constexpr u32 kErrorIllegalRegister = 1u << 7;
constexpr u32 kIcrWritable = 0xccfff;
constexpr u32 kIcrAssert = 1u << 14;
constexpr u32 kIcrLevel = 1u << 15;

constexpr u32 kTimerModeDeadline = 2;

bool IsLvt(u32 number) { return number >= kLvtTimer && number <= kLvtError; }

// Registers that exist in x2APIC mode and may be read, or written.
bool IsReadableX2(u32 number) {
  switch (number) {
    case kId:
    case kVersion:
    case kTpr:
    case kPpr:
    case kLdr:
    case kSvr:
    case kEsr:
    case kIcrLow:
    case kInitialCount:
    case kCurrentCount:
    case kDivide:
      return true;
    default:
      return (number >= kIsr && number < kEsr) || IsLvt(number);
  }
}

// The bits that may be one in a write, or nothing where the register is read-only or absent.
std::optional<u64> WritableX2(u32 number) {
  switch (number) {
    case kTpr:
    case kSelfIpi:
      return 0xff;
    case kEoi:
    case kEsr:
      return 0;
    case kSvr:
      return 0x13ff;
    case kIcrLow:
      return 0xffffffff000fffff;
    case kInitialCount:
      return 0xffffffff;
    case kDivide:
      return 0xf;
    default:
      return IsLvt(number) ? std::optional<u64>(0x7ffff) : std::nullopt;
  }
}

}  // namespace

u32 ApicCore::ReadRegister(u32 number) {
  if (number >= kIsr && number < kEsr) {
    const u32 word = number & 7;
    return (number < kTmr ? isr_ : number < kIrr ? tmr_ : irr_).Word(word);
  }
  if (IsLvt(number)) {
    return lvt_[number - kLvtTimer];
  }
  switch (number) {
    case kId:
      return IsX2() ? id_ : u32{xapic_id_} << 24;
    case kVersion:
      return kVersionValue;
    case kTpr:
      return tpr_;
    case kApr:
    case kEoi:
      return 0;
    case kPpr:
      return ProcessorPriority();
    case kLdr:
      return LogicalId();
    case kDfr:
      return dfr_;
    case kSvr:
      return svr_;
    case kEsr:
      return esr_;
    case kIcrLow:
      return icr_low_;
    case kIcrHigh:
      return icr_high_;
    case kInitialCount:
      return initial_count_;
    case kCurrentCount:
      return CurrentCount();
    case kDivide:
      return divide_;
    default:
      RaiseError(kErrorIllegalRegister);
      return 0;
  }
}

void ApicCore::WriteRegister(u32 number, u32 value) {
  if (IsLvt(number)) {
    WriteLvt(number - kLvtTimer, value);
    return;
  }
  switch (number) {
    case kId:
      xapic_id_ = static_cast<u8>(value >> 24);
      break;
    case kTpr:
      tpr_ = static_cast<u8>(value);
      break;
    case kEoi:
      EndOfInterrupt();
      break;
    case kLdr:
      ldr_ = value & 0xff000000;
      break;
    case kDfr:
      dfr_ = value | 0x0fffffff;
      break;
    case kSvr:
      WriteSpurious(value);
      break;
    case kEsr:
      WriteErrorStatus();
      break;
    case kIcrLow:
      WriteCommand(value);
      break;
    case kIcrHigh:
      icr_high_ = value & 0xff000000;
      break;
    case kInitialCount:
      WriteInitialCount(value);
      break;
    case kDivide:
      WriteDivide(value);
      break;
    default:
      RaiseError(kErrorIllegalRegister);
      break;
  }
}

// Software disable masks all LVT entries (SDM Vol. 3, "Local APIC State After It Has Been Software
// Disabled"); pending interrupts stay.
void ApicCore::WriteSpurious(u32 value) {
  svr_ = value & 0x3ff;
  if ((svr_ & kSoftwareEnable) == 0) {
    for (u32& entry : lvt_) {
      entry |= kLvtMasked;
    }
  }
}

void ApicCore::WriteLvt(u32 lvt, u32 value) {
  if ((svr_ & kSoftwareEnable) == 0) {
    value |= kLvtMasked;
  }
  if (lvt != kTimer) {
    lvt_[lvt] = value & kLvtWritable[lvt];
    return;
  }
  const u32 old_mode = TimerMode();
  lvt_[kTimer] = value & kLvtWritable[kTimer];
  // Entering or leaving TSC-deadline mode disarms the timer (SDM Vol. 3, "TSC-Deadline Mode").
  if (old_mode != TimerMode() &&
      (old_mode == kTimerModeDeadline || TimerMode() == kTimerModeDeadline)) {
    StopTimer();
    initial_count_ = 0;
    deadline_ = 0;
  } else if (old_mode != TimerMode() && initial_count_ != 0) {
    RestartCount(CurrentCount());
  }
}

void ApicCore::WriteErrorStatus() {
  esr_ = errors_;
  errors_ = 0;
}

void ApicCore::WriteCommand(u32 low) {
  icr_low_ = low & kIcrWritable;
  const DeliveryMode mode = static_cast<DeliveryMode>(BitsOf(low, 8, 3));
  const bool is_level = (low & kIcrLevel) != 0;
  if (mode == DeliveryMode::kInit && is_level && (low & kIcrAssert) == 0) {
    return;  // INIT level de-assert: no processor since the Pentium 4 has it
  }
  const bool has_vector = mode == DeliveryMode::kFixed || mode == DeliveryMode::kLowestPriority;
  if (has_vector && (low & 0xff) < 16) {
    RaiseError(kErrorSentIllegalVector);
    return;
  }
  bus_.Deliver({.destination = IsX2() ? icr_high_ : icr_high_ >> 24,
                .is_wide = IsX2(),
                .is_logical = Bit(low, 11),
                .is_level = false,
                .mode = mode,
                .vector = static_cast<u8>(low),
                .shorthand = static_cast<Shorthand>(BitsOf(low, 18, 2)),
                .source = id_});
}

std::optional<u64> ApicCore::ReadMsr(u32 index) {
  if (index == kMsrBase) {
    return base_;
  }
  if (index == kMsrTscDeadline) {
    return deadline_;
  }
  if (index < kMsrFirst || index > kMsrLast || !IsX2()) {
    return std::nullopt;
  }
  return ReadX2(index - kMsrFirst);
}

bool ApicCore::WriteMsr(u32 index, u64 value) {
  if (index == kMsrBase) {
    return WriteBase(value);
  }
  if (index == kMsrTscDeadline) {
    WriteDeadline(value);
    return true;
  }
  return index >= kMsrFirst && index <= kMsrLast && IsX2() && WriteX2(index - kMsrFirst, value);
}

// The transitions of SDM Vol. 3, figure "Local x2APIC State Transitions": no way from x2APIC to
// xAPIC or from disabled to x2APIC but through the states between.
bool ApicCore::WriteBase(u64 value) {
  const bool to_enabled = (value & kBaseEnable) != 0;
  const bool to_x2 = (value & kBaseX2) != 0;
  if ((value & kBaseReserved) != 0 || (to_x2 && !to_enabled) || (IsX2() && to_enabled && !to_x2) ||
      (!IsHardwareEnabled() && to_x2)) {
    return false;
  }
  const bool disables = IsHardwareEnabled() && !to_enabled;
  base_ = value;
  if (disables) {
    xapic_id_ = static_cast<u8>(id_);
    Init();
  }
  return true;
}

std::optional<u64> ApicCore::ReadX2(u32 number) {
  if (!IsReadableX2(number)) {
    return std::nullopt;
  }
  return number == kIcrLow ? icr_low_ | u64{icr_high_} << 32 : ReadRegister(number);
}

bool ApicCore::WriteX2(u32 number, u64 value) {
  const std::optional<u64> writable = WritableX2(number);
  if (!writable || (value & ~*writable) != 0) {
    return false;
  }
  if (number == kSelfIpi) {
    bus_.Deliver({.vector = static_cast<u8>(value), .shorthand = Shorthand::kSelf, .source = id_});
    return true;
  }
  if (number == kIcrLow) {
    icr_high_ = static_cast<u32>(value >> 32);
  }
  WriteRegister(number, static_cast<u32>(value));
  return true;
}

}  // namespace tandem::devices
