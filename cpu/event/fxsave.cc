// FXSAVE and FXRSTOR. SDM Vol. 1, 10.5.
#include "base/bits.h"
#include "cpu/event/xsave.h"
#include "cpu/event/xsave_components.h"

namespace tandem::cpu {
namespace {

Fault CheckUse(const Context& context, Gva linear) {
  if (!context.model.Has(Feature::kFxsr)) {
    return Fault::Ud();
  }
  if ((context.state.cr0 & (kCr0Em | kCr0Ts)) != 0) {
    return Fault::Of(Vector::kNm);
  }
  return linear.value % 16 == 0 ? Fault::None() : Fault::Gp();
}

u32 XmmCount(const CpuState& state) { return state.In64BitMode() ? 16 : 8; }

}  // namespace

Fault FxSave(Context& context, Gva linear, bool long_form) {
  CpuState& state = context.state;
  if (Fault fault = CheckUse(context, linear)) {
    return fault;
  }
  std::array<std::byte, 416> area{};
  X87Image x87;
  XmmImage xmm{};
  BuildX87(state.fx, long_form, x87);
  BuildXmm(state.vec, XmmCount(state), xmm);
  std::memcpy(area.data(), x87.data(), x87.size());
  StoreLe<u32>(area.data() + kMxcsrOffset, state.fx.mxcsr);
  StoreLe<u32>(area.data() + kMxcsrOffset + 4, kMxcsrDefined);
  std::memcpy(area.data() + kXmmOffset, xmm.data(), xmm.size());
  return context.mmu.WriteBytes(linear, std::span(area).first(kXmmOffset + 16 * XmmCount(state)));
}

Fault FxRestore(Context& context, Gva linear, bool long_form) {
  CpuState& state = context.state;
  if (Fault fault = CheckUse(context, linear)) {
    return fault;
  }
  std::array<std::byte, 416> area{};
  if (Fault fault = context.mmu.ReadBytes(linear, area)) {
    return fault;
  }
  const u32 mxcsr = LoadLe<u32>(area.data() + kMxcsrOffset);
  if ((mxcsr & ~kMxcsrDefined) != 0) {
    return Fault::Gp();
  }
  X87Image x87;
  XmmImage xmm;
  std::memcpy(x87.data(), area.data(), x87.size());
  std::memcpy(xmm.data(), area.data() + kXmmOffset, xmm.size());
  LoadX87(x87, long_form, state.fx);
  state.fx.mxcsr = mxcsr;
  LoadXmm(xmm, XmmCount(state), state.vec);
  return Fault::None();
}

}  // namespace tandem::cpu
