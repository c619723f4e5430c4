// Time-stamp counter and local APIC. The APIC counts in clock ticks, before TSC offsets.
#include "base/bits.h"
#include "cpu/event/msr_handlers.h"

namespace tandem::cpu {

u64 ReadTsc(const Context& context) { return context.ClockTsc() + context.state.msr.tsc_offset; }

Fault ReadTscMsr(Context& context, u32, u64& value) {
  value = ReadTsc(context);
  return Fault::None();
}

// A write of the counter moves IA32_TSC_ADJUST by as much. SDM Vol. 3, 17.17.3.
Fault WriteTscMsr(Context& context, u32, u64 value) {
  const u64 delta = value - ReadTsc(context);
  context.state.msr.tsc_offset += delta;
  context.state.msr.tsc_adjust += delta;
  return Fault::None();
}

Fault WriteTscAdjust(Context& context, u32, u64 value) {
  context.state.msr.tsc_offset += value - context.state.msr.tsc_adjust;
  context.state.msr.tsc_adjust = value;
  return Fault::None();
}

Fault ReadApicMsr(Context& context, u32 index, u64& value) {
  if (context.apic == nullptr) {
    return Fault::Gp();
  }
  const std::optional<u64> read = context.apic->ReadMsr(index);
  value = read.value_or(value);
  return read ? Fault::None() : Fault::Gp();
}

Fault WriteApicMsr(Context& context, u32 index, u64 value) {
  const bool is_good = context.apic != nullptr && context.apic->WriteMsr(index, value);
  return is_good ? Fault::None() : Fault::Gp();
}

Fault WriteApicBase(Context& context, u32 index, u64 value) {
  const bool is_x2apic = Bit(value, 10);
  if (value >> context.model.physical_address_bits != 0 ||
      (is_x2apic && !context.model.Has(Feature::kX2apic))) {
    return Fault::Gp();
  }
  Fault fault = WriteApicMsr(context, index, value);
  if (!fault) {
    context.mmu.ApicBaseChanged();
  }
  return fault;
}

// Zero disarms the timer and reads back as zero.
Fault ReadDeadline(Context& context, u32 index, u64& value) {
  u64 ticks = 0;
  if (Fault fault = ReadApicMsr(context, index, ticks)) {
    return fault;
  }
  value = ticks == 0 ? 0 : ticks + context.state.msr.tsc_offset;
  return Fault::None();
}

Fault WriteDeadline(Context& context, u32 index, u64 value) {
  if (value == 0) {
    return WriteApicMsr(context, index, 0);
  }
  const u64 offset = context.state.msr.tsc_offset;
  const u64 now = context.ClockTsc();
  // Deadlines before the clock's beginning are due at once.
  const bool is_past = static_cast<i64>(value - (now + offset)) <= 0;
  const u64 ticks = is_past ? now : value - offset;
  return WriteApicMsr(context, index, ticks == 0 ? 1 : ticks);
}

}  // namespace tandem::cpu
