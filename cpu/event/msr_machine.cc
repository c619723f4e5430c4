// EFER, machine checks and the identity of the processor.
#include "base/bits.h"
#include "cpu/event/msr_handlers.h"

namespace tandem::cpu {
namespace {

constexpr u32 kBankFirst = 0x400;
// Fast strings, thermal control, SpeedStep, MONITOR, limit of CPUID, xTPR, XD disable: kept,
// without effect. The rest is read-only or reserved.
constexpr u64 kMiscEnableKept = 0x400c50009;
constexpr u64 kIntelMicrocode = u64{1} << 32;  // the revision stands in the high half
constexpr u64 kAmdMicrocode = 0x01000065;

}  // namespace

Fault WriteEfer(Context& context, u32, u64 value) {
  CpuState& state = context.state;
  const CpuModel& model = context.model;
  u64 allowed = kEferLma;  // ignored
  allowed |= model.Has(Feature::kSyscall) ? kEferSce : 0;
  allowed |= model.Has(Feature::kLm) ? kEferLme : 0;
  allowed |= model.Has(Feature::kNx) ? kEferNxe : 0;
  const u64 changed = value ^ state.msr.efer;
  const bool switches_mode = (changed & kEferLme) != 0 && (state.cr0 & kCr0Pg) != 0;
  if ((value & ~allowed) != 0 || switches_mode) {
    return Fault::Gp();
  }
  state.msr.efer = (value & ~kEferLma) | (state.msr.efer & kEferLma);
  if ((changed & kEferNxe) != 0) {
    context.mmu.FlushAll();
  }
  return Fault::None();
}

Fault ReadMachineCheckBank(Context& context, u32 index, u64& value) {
  value = context.state.msr.mc_banks[index - kBankFirst];
  return Fault::None();
}

// CTL takes all zeros or ones, but for two bits that Linux clears on old processors. STATUS takes
// zero only (SDM Vol. 3, 15.3.2.2); processors let ADDR and MISC be written, whatever 15.3.2.3
// says.
Fault WriteMachineCheckBank(Context& context, u32 index, u64 value) {
  const u32 which = index & 3;
  const bool is_bad_control = which == 0 && value != 0 && (value | 0x401) != ~u64{0};
  const bool is_bad_status = which == 1 && value != 0;
  if (is_bad_control || is_bad_status) {
    return Fault::Gp();
  }
  context.state.msr.mc_banks[index - kBankFirst] = value;
  return Fault::None();
}

Fault WriteMachineCheckControl(Context& context, u32, u64 value) {
  if (value != 0 && value != ~u64{0}) {
    return Fault::Gp();
  }
  context.state.msr.mcg_ctl = value;
  return Fault::None();
}

// Nothing here speculates: RDCL, L1 flush, SSB, MDS, PSCHANGE, TAA, SBDR, FBSDP, PSDP, BHI, PBRSB,
// GDS and RFDS are all "not affected", which spares guests their page-table isolation.
Fault ReadArchCapabilities(Context& context, u32, u64& value) {
  constexpr unsigned kNotAffected[] = {0, 3, 4, 5, 6, 8, 13, 14, 15, 20, 24, 26, 27};
  value = 0;
  for (const unsigned bit : kNotAffected) {
    value = WithBit(value, bit, true);
  }
  return context.model.Has(Feature::kArchCapabilities) ? Fault::None() : Fault::Gp();
}

Fault ReadMicrocode(Context& context, u32, u64& value) {
  const u64 usual = context.model.vendor == "AuthenticAMD" ? kAmdMicrocode : kIntelMicrocode;
  const u64 own = context.state.msr.microcode_revision;
  value = own != 0 ? own : usual;
  return Fault::None();
}

Fault WriteMiscEnable(Context& context, u32, u64 value) {
  u64& misc_enable = context.state.msr.misc_enable;
  misc_enable = (misc_enable & ~kMiscEnableKept) | (value & kMiscEnableKept);
  return Fault::None();
}

Fault WriteFeatureControl(Context& context, u32, u64 value) {
  if (Bit(context.state.msr.feature_control, 0)) {
    return Fault::Gp();  // locked
  }
  context.state.msr.feature_control = value;
  return Fault::None();
}

// No supervisor state components exist.
Fault WriteXss(Context&, u32, u64 value) { return value == 0 ? Fault::None() : Fault::Gp(); }

}  // namespace tandem::cpu
