// DR0-DR7. SDM Vol. 3, 17.2.
#include "base/bits.h"
#include "cpu/event/system.h"

namespace tandem::cpu {
namespace {

constexpr u64 kDr6Writable = 0xe00f;
constexpr u64 kDr6Fixed = 0xffff0ff0;
constexpr u64 kDr7Writable = 0xffff23ff;
constexpr u64 kDr7Fixed = 0x400;
constexpr u64 kDr7Gd = 1u << 13;
constexpr u64 kDr6Bd = 1u << 13;

// DR4 and DR5 name DR6 and DR7 unless CR4.DE is set.
Fault CheckAccess(const CpuState& state, u32& index) {
  const bool is_alias = index == 4 || index == 5;
  if (index > 7 || (is_alias && (state.cr4 & kCr4De) != 0)) {
    return Fault::Ud();
  }
  index += is_alias ? 2 : 0;
  if (Fault fault = RequireCpl0(state)) {
    return fault;
  }
  return (state.dr7 & kDr7Gd) != 0 ? Fault::Debug(kDr6Bd) : Fault::None();
}

}  // namespace

Fault ReadDebug(Context& context, u32 index, u64& value) {
  const CpuState& state = context.state;
  if (Fault fault = CheckAccess(state, index)) {
    return fault;
  }
  value = index < 4 ? state.dr[index] : (index == 6 ? state.dr6 : state.dr7);
  return Fault::None();
}

Fault WriteDebug(Context& context, u32 index, u64 value) {
  CpuState& state = context.state;
  if (Fault fault = CheckAccess(state, index)) {
    return fault;
  }
  if (index < 4) {
    state.dr[index] = value;
  } else if (value >> 32 != 0) {
    return Fault::Gp();
  } else if (index == 6) {
    state.dr6 = (value & kDr6Writable) | kDr6Fixed;
    return Fault::None();
  } else {
    state.dr7 = (value & kDr7Writable) | kDr7Fixed;
  }
  context.mmu.FlushAll();  // watched pages have no tags
  return Fault::None();
}

}  // namespace tandem::cpu
