// EFER, machine checks and the identity of the processor.
#include "base/bits.h"
#include "cpu/event/msr_handlers.h"

namespace tandem::cpu {
namespace {

constexpr u32 kBankFirst = 0x400;
constexpr u64 kMiscEnableKept = (u64{1} << 0) | (u64{1} << 18) | (u64{1} << 22) | (u64{1} << 34);
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

// CTL takes all zeros or ones (Linux clears single bits), the other registers zero only.
Fault WriteMachineCheckBank(Context& context, u32 index, u64 value) {
  const bool is_control = (index & 3) == 0;
  if (!is_control && value != 0) {
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
  context.state.msr.misc_enable = value & kMiscEnableKept;
  return Fault::None();
}

Fault WriteFeatureControl(Context& context, u32, u64 value) {
  if (Bit(context.state.msr.feature_control, 0)) {
    return Fault::Gp();  // locked
  }
  context.state.msr.feature_control = value;
  return Fault::None();
}

Fault ReadXss(Context& context, u32, u64& value) {
  value = context.state.msr.xss;
  return context.model.Has(Feature::kXsaves) ? Fault::None() : Fault::Gp();
}

// No supervisor state components exist.
Fault WriteXss(Context& context, u32, u64 value) {
  return context.model.Has(Feature::kXsaves) && value == 0 ? Fault::None() : Fault::Gp();
}

}  // namespace tandem::cpu
