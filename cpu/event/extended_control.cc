// XCR0 and PKRU.
#include "base/bits.h"
#include "cpu/event/system.h"
#include "cpu/event/xsave_layout.h"

namespace tandem::cpu {
namespace {

// SDM Vol. 1, 13.3.
bool IsValidXcr0(const CpuModel& model, u64 value) {
  const u64 avx512 = value & kXcr0Avx512;
  const bool has_avx = (value & kXcr0Avx) != 0;
  return (value & ~model.SupportedXcr0()) == 0 && (value & kXcr0X87) != 0 &&
         (!has_avx || (value & kXcr0Sse) != 0) &&
         (avx512 == 0 || (avx512 == kXcr0Avx512 && has_avx));
}

bool HasExtendedControls(const CpuState& state) { return (state.cr4 & kCr4Osxsave) != 0; }

}  // namespace

Fault SetExtendedControl(Context& context, u32 index, u64 value) {
  CpuState& state = context.state;
  if (!HasExtendedControls(state)) {
    return Fault::Ud();
  }
  if (Fault fault = RequireCpl0(state)) {
    return fault;
  }
  if (index != 0 || !IsValidXcr0(context.model, value)) {
    return Fault::Gp();
  }
  state.xcr0 = value;
  return Fault::None();
}

Fault GetExtendedControl(Context& context, u32 index, u64& value) {
  const CpuState& state = context.state;
  if (!HasExtendedControls(state)) {
    return Fault::Ud();
  }
  const bool shows_use = index == 1 && context.model.Has(Feature::kXgetbv1);
  if (index != 0 && !shows_use) {
    return Fault::Gp();
  }
  value = shows_use ? state.xcr0 & ComponentsInUse(state) : state.xcr0;
  return Fault::None();
}

Fault WritePkru(Context& context, u32 value) {
  if (value != context.state.pkru) {
    context.state.pkru = value;
    context.mmu.FlushAll();
  }
  return Fault::None();
}

}  // namespace tandem::cpu
