#pragma once

#include <array>
#include <cstddef>

#include "base/ints.h"
#include "cpu/state/registers.h"

namespace tandem::cpu {

// A segment register with its hidden part. attributes: bits 8-15 and 20-23 of a descriptor's high
// word, moved down by 8: type 0-3, S 4, DPL 5-6, P 7, AVL 12, L 13, D/B 14, G 15.
struct Segment {
  u64 base = 0;
  u32 limit = 0;  // in bytes, the G bit applied
  u16 selector = 0;
  u16 attributes = 0;  // 0: unusable (a null selector was loaded)

  constexpr u8 type() const { return attributes & 0xf; }
  constexpr bool is_code_or_data() const { return (attributes & 0x10) != 0; }
  constexpr u8 dpl() const { return (attributes >> 5) & 3; }
  constexpr bool is_present() const { return (attributes & 0x80) != 0; }
  constexpr bool is_long() const { return (attributes & 0x2000) != 0; }
  constexpr bool is_big() const { return (attributes & 0x4000) != 0; }
  constexpr bool is_code() const { return (attributes & 0x18) == 0x18; }
  constexpr bool is_conforming() const { return (attributes & 0x1c) == 0x1c; }
  // Data and writable.
  constexpr bool is_writable() const { return (attributes & 0x1a) == 0x12; }
  constexpr bool is_readable() const { return !is_code() || (attributes & 2) != 0; }
  constexpr bool is_expand_down() const { return (attributes & 0x1c) == 0x14; }
};

struct DescriptorTable {
  u64 base = 0;
  u16 limit = 0;
};

// The x87 unit and MXCSR in the layout of the 64-bit FXSAVE image (SDM Vol. 1, 10.5.1), so that the
// host's own FXSAVE64/FXRSTOR64 moves it. The XMM part of the image is not used: see VectorState.
struct alignas(16) FxImage {
  u16 fcw = 0x40;  // reset value; FNINIT makes it 0x37f
  u16 fsw = 0;
  u8 ftw = 0xff;  // abridged: bit set = register valid
  u8 reserved = 0;
  u16 fop = 0;
  u64 fip = 0;
  u64 fdp = 0;
  u32 mxcsr = 0x1f80;
  u32 mxcsr_mask = 0xffff;
  u8 st[8][16] = {};  // ST(0) first; 10 bytes each
  u8 unused_xmm[16][16] = {};
  u8 available[96] = {};
};
static_assert(sizeof(FxImage) == 512 && offsetof(FxImage, st) == 32);

struct alignas(64) VectorState {
  u8 zmm[32][64] = {};  // XMM and YMM are the low 16 and 32 bytes
  u64 k[8] = {};
};

struct Msrs {
  u64 efer = 0;
  u64 star = 0, lstar = 0, cstar = 0, sfmask = 0;
  u64 kernel_gs_base = 0;
  u64 sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
  u64 pat = 0x0007040600070406;
  u64 tsc_aux = 0;
  u64 tsc_adjust = 0;  // IA32_TSC_ADJUST; guest TSC = clock TSC + tsc_offset
  u64 tsc_offset = 0;
  u64 misc_enable = 0x1801;  // fast strings; neither BTS nor PEBS
  u64 debugctl = 0;
  u64 xss = 0;
  u64 spec_ctrl = 0;
  u64 mtrr_def_type = 0;
  std::array<u64, 11> mtrr_fixed{};
  std::array<u64, 16> mtrr_variable{};  // base, mask pairs
  u64 mcg_status = 0, mcg_ctl = ~u64{0};
  std::array<u64, 4 * 10> mc_banks{};  // CTL, STATUS, ADDR, MISC of each bank
  u64 feature_control = 1;
  u64 microcode_revision = 0;
  // KVM's own, 0x4b564d00 to 0x4b564d07, with KVM only. The sixth, polling, is on at power-on.
  std::array<u64, 8> kvm{0, 0, 0, 0, 0, 1, 0, 0};
  u64 pkrs = 0;
};

// What has been taken from its source and is still to be delivered: KVM can be stopped in between.
struct PendingEvent {
  enum class Kind : u8 { kNone, kInterrupt, kException };
  Kind kind = Kind::kNone;
  u8 vector = 0;
  bool has_error_code = false;
  u32 error_code = 0;  // CR2 and DR6 have been set
};

enum class Activity : u8 {
  kRunning,
  kHalted,       // HLT: woken by interrupts, NMI, INIT
  kWaitForSipi,  // after INIT on an application processor
  kShutdown,     // triple fault: only INIT and RESET help
};

// Everything architectural about one processor. Belongs to its vCPU's thread. The layout of the
// first fields is known to emitted code (jit/x64).
struct alignas(64) CpuState {
  // 16 registers, then a slot that always holds zero: an absent base or index register.
  std::array<u64, 17> gpr{};
  u64 rip = 0xfff0;
  u64 rflags = kFlagFixed1;

  std::array<Segment, 6> seg{};  // by SegReg
  Segment ldtr{};
  Segment tr{};
  DescriptorTable gdtr{0, 0xffff};
  DescriptorTable idtr{0, 0xffff};

  u64 cr0 = kCr0Et;
  u64 cr2 = 0, cr3 = 0, cr4 = 0;
  std::array<u64, 4> dr{};  // DR0-DR3
  u64 dr6 = 0xffff0ff0;
  u64 dr7 = 0x400;
  u64 xcr0 = kXcr0X87;
  u32 pkru = 0;
  std::array<u64, 4> pdpte{};  // PAE paging: loaded with CR3

  Activity activity = Activity::kRunning;
  u8 cpl = 0;
  // Interrupts (and, after MOV SS, debug traps and NMI) wait for one instruction. SDM Vol.
  // 3, 6.8.3.
  bool sti_shadow = false;
  bool mov_ss_shadow = false;
  bool nmi_blocked = false;  // between NMI delivery and IRET
  bool nmi_pending = false;
  u64 pending_dr6 = 0;  // debug traps found while an instruction ran: delivered when it is done

  Msrs msr;
  FxImage fx;
  VectorState vec;

  u64 instructions = 0;  // retired since power-on
  PendingEvent pending_event;

  Segment& Seg(SegReg reg) { return seg[static_cast<size_t>(reg)]; }
  const Segment& Seg(SegReg reg) const { return seg[static_cast<size_t>(reg)]; }

  bool InLongMode() const { return (msr.efer & kEferLma) != 0; }
  bool In64BitMode() const { return InLongMode() && Seg(SegReg::kCs).is_long(); }
  bool InProtectedMode() const { return (cr0 & kCr0Pe) != 0; }
  bool InVirtual8086() const { return (rflags & kFlagVm) != 0; }
  // Real-address or virtual-8086 mode: segment bases are selectors times 16.
  bool HasRealSegments() const { return !InProtectedMode() || InVirtual8086(); }
  u8 Iopl() const { return static_cast<u8>((rflags >> 12) & 3); }
};

// RESET (power-on) and INIT. SDM Vol. 3, table 10-1: INIT keeps FPU, vector state, MSRs and caches.
// signature: of the model (signature.h), for EDX.
void PowerOnReset(CpuState& state, bool is_bootstrap, u32 signature = 0xf00);
void InitReset(CpuState& state, bool is_bootstrap, u32 signature);
// What a start-up IPI does to a processor that waits for one: CS:IP = vector << 8 : 0. SDM Vol. 3,
// "MP Initialization Protocol".
void StartUp(CpuState& state, u8 vector);

}  // namespace tandem::cpu
