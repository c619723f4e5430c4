#include "jit/engine/engine.h"

namespace tandem::jit {
namespace {

using cpu::SegReg;

constexpr u64 kAvxState = cpu::kXcr0Sse | cpu::kXcr0Avx;
constexpr u64 kAvx512State =
    kAvxState | cpu::kXcr0Opmask | cpu::kXcr0ZmmHi256 | cpu::kXcr0Hi16Zmm;

// Data segments that a compare with the limit checks completely.
bool IsPlainData(const cpu::Segment& segment) {
  return segment.is_present() && segment.is_writable() && !segment.is_expand_down();
}

void AddSegments(const cpu::CpuState& state, UnitMode& mode) {
  for (u8 i = 0; i < state.seg.size(); ++i) {
    const cpu::Segment& segment = state.seg[i];
    const u8 bit = static_cast<u8>(1u << i);
    mode.based_segments |= segment.base != 0 ? bit : 0;
    mode.limited_segments |= segment.limit != 0xffffffff ? bit : 0;
    mode.strange_segments |= !IsPlainData(segment) ? bit : 0;
  }
}

void AddUnits(const cpu::CpuState& state, UnitMode& mode) {
  const bool is_on = (state.cr0 & (cpu::kCr0Em | cpu::kCr0Ts)) == 0;
  mode.x87_usable = is_on;
  mode.sse_usable = is_on && (state.cr4 & cpu::kCr4Osfxsr) != 0;
  const bool has_xcr0 = is_on && (state.cr4 & cpu::kCr4Osxsave) != 0 && !state.HasRealSegments();
  mode.avx_usable = has_xcr0 && (state.xcr0 & kAvxState) == kAvxState;
  mode.avx512_usable = has_xcr0 && (state.xcr0 & kAvx512State) == kAvx512State;
}

}  // namespace

UnitMode Engine::CurrentMode() const {
  UnitMode mode;
  const bool is_64 = state_.In64BitMode();
  mode.code_bits = is_64 ? 64 : state_.Seg(SegReg::kCs).is_big() ? 32 : 16;
  mode.stack_bits = is_64 ? 64 : state_.Seg(SegReg::kSs).is_big() ? 32 : 16;
  mode.is_real = state_.HasRealSegments();
  mode.is_user = state_.cpl == 3;
  mode.bank = mmu_.bank();
  mode.x87_loaded = x87_loaded_;
  mode.vec_loaded = context_.vectors_loaded != 0;
  AddUnits(state_, mode);
  if (is_64) {
    mode.based_segments = (1u << static_cast<u8>(SegReg::kFs)) | (1u << static_cast<u8>(SegReg::kGs));
  } else {
    AddSegments(state_, mode);
  }
  return mode;
}

// After anything that may have changed the mode.
void Engine::UpdateMode() {
  mode_is_old_ = false;
  if (state_.cpl != last_cpl_) {
    last_cpl_ = state_.cpl;
    context_.vectors_loaded = 0;  // kernels rarely use them, and helpers are cheaper without
    UnloadX87();
    ResetShadowStack();
  }
  const UnitMode mode = CurrentMode();
  if (mode != mode_) {
    mode_ = mode;
    ResetShadowStack();
    if (mode.code_bits != 64) {
      for (size_t i = 0; i < 8; ++i) {
        state_.gpr[i] &= 0xffffffff;  // upper halves are undefined after leaving 64-bit mode
      }
    }
  }
  const auto& bases = interpreter_.core().segment_base;
  const auto cs = static_cast<size_t>(SegReg::kCs);
  if (bases[cs] != context_.segment_base[cs]) {
    ResetShadowStack();  // the same RIP means another place
  }
  context_.segment_base = bases;
  UpdateSalt();
}

}  // namespace tandem::jit
