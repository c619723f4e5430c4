#include "cpu/state/cpu_state.h"

namespace tandem::cpu {
namespace {

constexpr u16 kRealData = 0x93;  // present, writable data, accessed
constexpr u32 kRealLimit = 0xffff;

void ResetSegments(CpuState& state) {
  for (Segment& segment : state.seg) {
    segment = {0, kRealLimit, 0, kRealData};
  }
  // The first fetch is at 0xfffffff0, 16 bytes below 4 GiB, although CS reads 0xf000.
  state.Seg(SegReg::kCs) = {0xffff0000, kRealLimit, 0xf000, 0x9b};
  state.ldtr = {0, kRealLimit, 0, 0x82};
  state.tr = {0, kRealLimit, 0, 0x8b};
  state.gdtr = {0, 0xffff};
  state.idtr = {0, 0xffff};
}

void ResetCommon(CpuState& state, bool is_bootstrap, u32 signature) {
  state.gpr.fill(0);
  state.gpr[kRdx] = signature;
  state.rip = 0xfff0;
  state.rflags = kFlagFixed1;
  ResetSegments(state);
  state.cr2 = state.cr3 = state.cr4 = 0;
  state.dr.fill(0);
  state.dr6 = 0xffff0ff0;
  state.dr7 = 0x400;
  state.pdpte.fill(0);
  state.cpl = 0;
  state.sti_shadow = state.mov_ss_shadow = false;
  state.nmi_blocked = state.nmi_pending = false;
  state.pending_dr6 = 0;
  state.pending_event = {};
  state.msr.efer = 0;
  state.activity = is_bootstrap ? Activity::kRunning : Activity::kWaitForSipi;
}

}  // namespace

void PowerOnReset(CpuState& state, bool is_bootstrap, u32 signature) {
  state = CpuState{};
  ResetCommon(state, is_bootstrap, signature);
  state.cr0 = kCr0Et | kCr0Nw | kCr0Cd;
}

void InitReset(CpuState& state, bool is_bootstrap, u32 signature) {
  const u64 cache_bits = state.cr0 & (kCr0Nw | kCr0Cd);
  ResetCommon(state, is_bootstrap, signature);
  state.cr0 = kCr0Et | cache_bits;
}

void StartUp(CpuState& state, u8 vector) {
  Segment& cs = state.Seg(SegReg::kCs);
  cs.selector = static_cast<u16>(vector << 8);
  cs.base = u64{vector} << 12;
  state.rip = 0;
  state.activity = Activity::kRunning;
}

}  // namespace tandem::cpu
