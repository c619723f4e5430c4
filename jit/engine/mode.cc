#include "jit/engine/engine.h"
#include "jit/engine/shadow_stack.h"

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
  mode.is_kernel = state_.cpl == 0 && !state_.InVirtual8086();
  mode.bank = mmu_.bank();
  mode.x87_loaded = x87_loaded_;
  mode.vec_loaded = context_.vectors_loaded != 0;
  mode.precise_flags = shared_.has_precise_flags();
  AddUnits(state_, mode);
  if (is_64) {
    mode.based_segments = (1u << static_cast<u8>(SegReg::kFs)) | (1u << static_cast<u8>(SegReg::kGs));
  } else {
    AddSegments(state_, mode);
  }
  return mode;
}

// All that a mode follows from in 64-bit mode, where segments say little.
u64 Engine::ModeInputs() const {
  constexpr u64 kValid = u64{1} << 63;
  constexpr u64 kCr0Bits = cpu::kCr0Pe | cpu::kCr0Em | cpu::kCr0Ts;      // bits 0, 2, 3
  constexpr u64 kCr4Bits = cpu::kCr4Osfxsr | cpu::kCr4Osxsave;           // bits 9, 18
  static_assert(kCr0Bits == 0xd && kCr4Bits == 0x40200 && cpu::kFlagVm == 0x20000 &&
                kAvx512State == 0xe6, "the fields lie apart");
  return kValid | mmu_.bank() | u64{state_.cpl} << 2 | (state_.cr0 & kCr0Bits) << 4 |
         u64{x87_loaded_} << 5 | u64{context_.vectors_loaded != 0} << 8 |
         (state_.cr4 & kCr4Bits) | (state_.rflags & cpu::kFlagVm) |
         (state_.xcr0 & kAvx512State) << 24;
}

// A processor goes to and fro between few modes.
const Engine::KnownMode& Engine::FindMode() {
  const u64 inputs = state_.In64BitMode() ? ModeInputs() : 0;
  KnownMode& known =
      known_modes_[(state_.cpl == 3 ? 1u : 0u) | (context_.vectors_loaded != 0 ? 2u : 0u)];
  if (inputs == 0 || known.inputs != inputs) {
    known = {inputs, CurrentMode(), 0};
    known.key = known.mode.Key();
  }
  return known;
}

// Kernels rarely use vector registers, and helpers are cheaper without: they go to memory with the
// user's code, and come back with it if it had them. Now and then it must ask for them anew.
void Engine::ChangePrivilege() {
  constexpr u32 kReturnsBetween = 64;
  if (last_is_user_) {
    user_left_.shadow_rsp = context_.shadow_rsp;
    user_left_.salt = context_.branch_salt;
    user_left_.had_vectors = context_.vectors_loaded != 0;
  }
  last_is_user_ = state_.cpl == 3;
  UnloadX87();
  const bool is_due = last_is_user_ && ++user_left_.returns % kReturnsBetween != 0;
  context_.vectors_loaded = is_due && user_left_.had_vectors ? 1 : 0;
  context_.shadow_base = (last_is_user_ ? user_stack_ : kernel_stack_)->base();
  ResetShadowStack();
}

// After anything that may have changed the mode.
void Engine::UpdateMode() {
  mode_is_old_ = false;
  const bool has_changed_privilege = (state_.cpl == 3) != last_is_user_;
  if (has_changed_privilege) {
    ChangePrivilege();
    mode_is_old_ = false;
  }
  if (const KnownMode& now = FindMode(); now.key != mode_key_) {
    mode_ = now.mode;
    mode_key_ = now.key;
    ResetShadowStack();
    if (mode_.code_bits != 64) {
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
  has_odd_code_base_ |= bases[cs] % kPageSize != 0;
  UpdateSalt();
  if (has_changed_privilege && mode_.is_user && user_left_.salt == context_.branch_salt) {
    context_.shadow_rsp = user_left_.shadow_rsp;
  }
}

}  // namespace tandem::jit
