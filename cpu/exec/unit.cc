#include "cpu/exec/unit.h"

namespace tandem::cpu {
namespace {

constexpr u16 kFswErrorSummary = 0x80;

// FNINIT, FNCLEX, FNSTSW, FNSTCW, FNSTENV, FNSAVE do not wait for pending exceptions.
bool IsNonWaiting(const Inst& inst) {
  const auto [opcode, modrm] = X87OpcodeOf(inst);
  const u8 extension = (modrm >> 3) & 7;
  if (modrm >= 0xc0) {
    return (opcode == 0xdb && modrm >= 0xe0 && modrm <= 0xe4) || (opcode == 0xdf && modrm == 0xe0);
  }
  return (opcode == 0xd9 && extension >= 6) || (opcode == 0xdd && extension >= 6);
}

Fault CheckX87(const CpuState& state, const Inst& inst) {
  if ((state.cr0 & (kCr0Em | kCr0Ts)) != 0) {
    return Fault::Of(Vector::kNm);
  }
  const bool pending = (state.fx.fsw & kFswErrorSummary) != 0;
  return pending && !IsNonWaiting(inst) ? Fault::Of(Vector::kMf) : Fault::None();
}

Fault CheckMmx(const CpuState& state, const Inst& inst) {
  const bool uses_xmm = (inst.vectors_read | inst.vectors_written) != 0;
  if ((state.cr0 & kCr0Em) != 0 || (uses_xmm && (state.cr4 & kCr4Osfxsr) == 0)) {
    return Fault::Ud();
  }
  if ((state.cr0 & kCr0Ts) != 0) {
    return Fault::Of(Vector::kNm);
  }
  return (state.fx.fsw & kFswErrorSummary) != 0 ? Fault::Of(Vector::kMf) : Fault::None();
}

Fault CheckSse(const CpuState& state) {
  if ((state.cr0 & kCr0Em) != 0 || (state.cr4 & kCr4Osfxsr) == 0) {
    return Fault::Ud();
  }
  return (state.cr0 & kCr0Ts) != 0 ? Fault::Of(Vector::kNm) : Fault::None();
}

Fault CheckAvx(const CpuState& state, u64 needed) {
  if ((state.cr4 & kCr4Osxsave) == 0 || (state.xcr0 & needed) != needed ||
      state.HasRealSegments()) {
    return Fault::Ud();
  }
  return (state.cr0 & kCr0Ts) != 0 ? Fault::Of(Vector::kNm) : Fault::None();
}

}  // namespace

Fault CheckUnit(const CpuState& state, const Inst& inst) {
  switch (inst.host_class) {
    case HostClass::kX87:
      return CheckX87(state, inst);
    case HostClass::kMmx:
      return CheckMmx(state, inst);
    case HostClass::kSse:
      return CheckSse(state);
    case HostClass::kAvx:
      return CheckAvx(state, kXcr0Sse | kXcr0Avx);
    case HostClass::kAvx512:
      return CheckAvx(state, kXcr0Sse | kXcr0Avx | kXcr0Avx512);
    default:
      return Fault::None();
  }
}

X87Opcode X87OpcodeOf(const Inst& inst) {
  for (size_t i = 0; i + 1 < inst.length; ++i) {
    if (inst.bytes[i] >= 0xd8 && inst.bytes[i] <= 0xdf) {
      return {inst.bytes[i], inst.bytes[i + 1]};
    }
  }
  return {};
}

}  // namespace tandem::cpu
