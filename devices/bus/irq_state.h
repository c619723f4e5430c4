#pragma once

#include <array>
#include <optional>
#include <vector>

#include "base/ints.h"
#include "devices/bus/irq.h"

// What interrupt controllers and the PIT hold, in a form that is neither ours nor an accelerator's.
namespace tandem::devices {

struct LocalApicState {
  // Offset in the memory page / 16 (SDM Vol. 3, "Local APIC Register Address Map").
  enum Register : u32 {
    kId = 0x02,
    kVersion = 0x03,
    kTpr = 0x08,
    kApr = 0x09,
    kPpr = 0x0a,
    kEoi = 0x0b,
    kLdr = 0x0d,
    kDfr = 0x0e,
    kSvr = 0x0f,
    kIsr = 0x10,
    kTmr = 0x18,
    kIrr = 0x20,
    kEsr = 0x28,
    kIcrLow = 0x30,
    kIcrHigh = 0x31,
    kLvtTimer = 0x32,
    kLvtLint0 = 0x35,
    kLvtError = 0x37,
    kInitialCount = 0x38,
    kCurrentCount = 0x39,
    kDivide = 0x3e,
    kSelfIpi = 0x3f,
  };

  u64 base = 0;  // IA32_APIC_BASE
  // By number, as software reads them, but the ID in bits 24 to 31 in x2APIC mode too. Those that hold
  // nothing of their own are 0. The current count is the timer's, at the moment of saving.
  std::array<u32, 64> registers{};
  u32 errors = 0;                     // seen since ESR was last written
  std::optional<i64> deadline_ticks;  // of the time-stamp counter, from now to IA32_TSC_DEADLINE
  // A one-shot count has ended, and whether its interrupt was raised is not known.
  bool may_be_due = false;
};

// One 8259A.
struct PicState {
  u8 lines = 0;
  u8 requests = 0;
  u8 mask = 0;
  u8 in_service = 0;
  u8 level_triggered = 0;  // ELCR
  u8 vector_base = 0;
  u32 top_priority = 0;  // the input with the highest priority
  u32 init_step = 0;     // the next ICW expected; 0: initialised
  bool expects_icw4 = false;
  bool reads_in_service = false;
  bool is_polled = false;
  bool auto_eoi = false;
  bool rotates_on_auto_eoi = false;
  bool special_mask = false;
  bool special_fully_nested = false;
};

struct IoApicState {
  static constexpr u32 kPins = 24;
  std::array<u64, kPins> entries{};
  u32 lines = 0;  // a bit a pin: asserted
  u8 select = 0;
  u8 id = 0;
};

struct IrqState {
  std::vector<LocalApicState> apics;
  std::array<PicState, 2> pics;
  IoApicState io_apic;
};

// Interrupt controllers whose state others can take over, while the vCPUs stand still.
class StatefulIrqChip : public IrqChip {
 public:
  virtual IrqState Save() const = 0;
  virtual void Load(const IrqState& state) = 0;
};

// Likewise an accelerator's local APICs. The vCPUs have been made.
class StatefulApics : public ApicFabric {
 public:
  virtual std::vector<LocalApicState> Save() const = 0;
  virtual void Load(const std::vector<LocalApicState>& states) = 0;
};

// One counter of an 8254.
struct PitChannelState {
  enum class Access : u8 { kLow = 1, kHigh = 2, kBoth = 3 };

  bool gate = false;
  bool is_programmed = false;  // a control word was written
  bool is_loaded = false;      // and a count
  u8 mode = 3;
  bool is_bcd = false;
  Access access = Access::kBoth;
  u16 count = 0;  // as it was written
  // Since the count was loaded, or the gate was raised; nothing: not known.
  std::optional<u64> elapsed_ticks{};
  bool is_running = false;
  bool writes_high_next = false;
  bool reads_high_next = false;
  u8 low_written = 0;
  std::optional<u16> latched_count{};
  std::optional<u8> latched_status{};
};

struct PitState {
  std::array<PitChannelState, 3> channels;
  u8 control_b = 0;  // bits 0 to 3 of port 0x61
  bool is_irq_enabled = true;
};

// The PIT as the HPET sees it, and who takes it over.
class IntervalTimer {
 public:
  virtual ~IntervalTimer() = default;
  // The HPET takes the timer interrupt over while it replaces the legacy timers. Any thread.
  virtual void SetIrqEnabled(bool enabled) = 0;
  virtual PitState SavePit() = 0;
  virtual void LoadPit(const PitState& state) = 0;
};

}  // namespace tandem::devices
