// Control registers. SDM Vol. 3, 2.5, 4.1 and 9.8.5.
#include "base/bits.h"
#include "cpu/event/descriptor.h"
#include "cpu/event/system.h"

namespace tandem::cpu {
namespace {

constexpr u64 kCr0Defined = kCr0Pe | kCr0Mp | kCr0Em | kCr0Ts | kCr0Et | kCr0Ne | kCr0Wp | kCr0Am |
                            kCr0Nw | kCr0Cd | kCr0Pg;
constexpr u64 kCr0ReloadsPdptes = kCr0Cd | kCr0Nw | kCr0Pg;
constexpr u64 kCr4ReloadsPdptes = kCr4Pae | kCr4Pge | kCr4Pse | kCr4Smep;
constexpr u64 kCr4Flushes =
    kCr4Pse | kCr4Pae | kCr4Pge | kCr4Pcide | kCr4Smep | kCr4Smap | kCr4Pke | kCr4La57 | kCr4Pks;
constexpr u64 kCr3KeepsTlb = u64{1} << 63;

struct Cr4Row {
  u64 bit;
  Feature feature;
};
constexpr Cr4Row kCr4Rows[] = {
    {kCr4Vme | kCr4Pvi, Feature::kVme},
    {kCr4Tsd, Feature::kTsc},
    {kCr4De, Feature::kDe},
    {kCr4Pse, Feature::kPse},
    {kCr4Pae, Feature::kPae},
    {kCr4Mce, Feature::kMce},
    {kCr4Pge, Feature::kPge},
    {kCr4Osfxsr, Feature::kFxsr},
    {kCr4Osxmmexcpt, Feature::kSse},
    {kCr4Umip, Feature::kUmip},
    {kCr4La57, Feature::kLa57},
    {kCr4Fsgsbase, Feature::kFsgsbase},
    {kCr4Pcide, Feature::kPcid},
    {kCr4Osxsave, Feature::kXsave},
    {kCr4Smep, Feature::kSmep},
    {kCr4Smap, Feature::kSmap},
    {kCr4Pke, Feature::kPku},
    {kCr4Pks, Feature::kPks},
};

u64 AllowedCr4(const CpuModel& model) {
  u64 allowed = kCr4Pce;
  for (const Cr4Row& row : kCr4Rows) {
    allowed |= model.Has(row.feature) ? row.bit : 0;
  }
  return allowed;
}

bool UsesPdptes(u64 cr0, u64 cr4, u64 efer) {
  return (cr0 & kCr0Pg) != 0 && (cr4 & kCr4Pae) != 0 && (efer & kEferLma) == 0;
}

// What CR0.PG 0 -> 1 and 1 -> 0 ask for. SDM Vol. 3, 9.8.5.
bool MayChangePaging(const CpuState& state, bool to_on) {
  if (!to_on) {
    return !state.In64BitMode() && (state.cr4 & kCr4Pcide) == 0;
  }
  if ((state.msr.efer & kEferLme) == 0) {
    return true;
  }
  return (state.cr4 & kCr4Pae) != 0 && !state.Seg(SegReg::kCs).is_long();
}

Fault WriteCr0(Context& context, u64 value) {
  CpuState& state = context.state;
  const bool has_paging = (value & kCr0Pg) != 0;
  const bool is_inconsistent =
      (has_paging && (value & kCr0Pe) == 0) || ((value & kCr0Nw) != 0 && (value & kCr0Cd) == 0);
  if (value >> 32 != 0 || is_inconsistent) {
    return Fault::Gp();
  }
  value = (value & kCr0Defined) | kCr0Et;
  const u64 changed = value ^ state.cr0;
  if ((changed & kCr0Pg) != 0 && !MayChangePaging(state, has_paging)) {
    return Fault::Gp();
  }
  const bool enters_long = has_paging && (state.msr.efer & kEferLme) != 0;
  const u64 efer = (state.msr.efer & ~kEferLma) | (enters_long ? kEferLma : 0);
  if ((changed & kCr0ReloadsPdptes) != 0 && UsesPdptes(value, state.cr4, efer)) {
    if (Fault fault = context.mmu.LoadPdptes(state.cr3)) {
      return fault;
    }
  }
  state.msr.efer = efer;
  state.cr0 = value;
  if ((changed & (kCr0Pg | kCr0Wp | kCr0Pe)) != 0) {
    context.mmu.FlushAll();
  }
  context.mmu.UpdateMode();
  return Fault::None();
}

Fault WriteCr3(Context& context, u64 value) {
  CpuState& state = context.state;
  const bool keeps_pcid = (state.cr4 & kCr4Pcide) != 0 && (value & kCr3KeepsTlb) != 0;
  if (keeps_pcid) {
    value &= ~kCr3KeepsTlb;
  }
  if (state.InLongMode() && value >> context.model.physical_address_bits != 0) {
    return Fault::Gp();
  }
  if (UsesPdptes(state.cr0, state.cr4, state.msr.efer)) {
    if (Fault fault = context.mmu.LoadPdptes(value)) {
      return fault;
    }
  }
  state.cr3 = value;
  context.mmu.Cr3Loaded(keeps_pcid);
  return Fault::None();
}

bool IsCr4Consistent(const CpuState& state, u64 value) {
  const u64 changed = value ^ state.cr4;
  if (state.InLongMode() && ((value & kCr4Pae) == 0 || (changed & kCr4La57) != 0)) {
    return false;
  }
  const bool enables_pcid = (changed & value & kCr4Pcide) != 0;
  return !enables_pcid || (state.InLongMode() && (state.cr3 & 0xfff) == 0);
}

Fault WriteCr4(Context& context, u64 value) {
  CpuState& state = context.state;
  if ((value & ~AllowedCr4(context.model)) != 0 || !IsCr4Consistent(state, value)) {
    return Fault::Gp();
  }
  const u64 changed = value ^ state.cr4;
  if ((changed & kCr4ReloadsPdptes) != 0 && UsesPdptes(state.cr0, value, state.msr.efer)) {
    if (Fault fault = context.mmu.LoadPdptes(state.cr3)) {
      return fault;
    }
  }
  state.cr4 = value;
  if ((changed & kCr4Flushes) != 0) {
    context.mmu.FlushAll();
  }
  context.mmu.UpdateMode();
  return Fault::None();
}

Fault WriteCr8(Context& context, u64 value) {
  if (value > 15) {
    return Fault::Gp();
  }
  if (context.apic != nullptr) {
    context.apic->SetTaskPriority(static_cast<u8>(value));
  }
  return Fault::None();
}

bool Exists(u32 index) { return index == 0 || index == 8 || (index >= 2 && index <= 4); }

}  // namespace

Fault RequireCpl0(const CpuState& state) {
  const bool is_allowed = state.cpl == 0 && !state.InVirtual8086();
  return is_allowed ? Fault::None() : Fault::Gp();
}

Fault CheckUmip(const CpuState& state) {
  const bool is_forbidden = (state.cr4 & kCr4Umip) != 0 && state.cpl != 0;
  return is_forbidden ? Fault::Gp() : Fault::None();
}

Fault ReadControl(Context& context, u32 index, u64& value) {
  const CpuState& state = context.state;
  if (!Exists(index)) {
    return Fault::Ud();
  }
  if (Fault fault = RequireCpl0(state)) {
    return fault;
  }
  switch (index) {
    case 0:
      value = state.cr0;
      break;
    case 2:
      value = state.cr2;
      break;
    case 3:
      value = state.cr3;
      break;
    case 4:
      value = state.cr4;
      break;
    default:
      value = context.apic != nullptr ? context.apic->TaskPriority() : 0;
  }
  return Fault::None();
}

Fault WriteControl(Context& context, u32 index, u64 value) {
  if (!Exists(index)) {
    return Fault::Ud();
  }
  if (Fault fault = RequireCpl0(context.state)) {
    return fault;
  }
  switch (index) {
    case 0:
      return WriteCr0(context, value);
    case 2:
      context.state.cr2 = value;
      return Fault::None();
    case 3:
      return WriteCr3(context, value);
    case 4:
      return WriteCr4(context, value);
    default:
      return WriteCr8(context, value);
  }
}

Fault LoadMachineStatus(Context& context, u16 value) {
  constexpr u64 kLoaded = kCr0Pe | kCr0Mp | kCr0Em | kCr0Ts;
  const u64 kept = context.state.cr0 & ~(kLoaded & ~kCr0Pe);  // PE can be set, not cleared
  return WriteControl(context, 0, kept | (value & kLoaded));
}

Fault ClearTaskSwitched(Context& context) {
  if (Fault fault = RequireCpl0(context.state)) {
    return fault;
  }
  context.state.cr0 &= ~kCr0Ts;
  return Fault::None();
}

Fault InvalidatePage(Context& context, Gva address) {
  if (Fault fault = RequireCpl0(context.state)) {
    return fault;
  }
  context.mmu.FlushPage(address);
  return Fault::None();
}

namespace {

// The four types of INVPCID. SDM Vol. 2, INVPCID.
void FlushByType(Mmu& mmu, u64 type, u16 pcid, Gva linear_address) {
  switch (type) {
    case 0:
      return mmu.FlushPageOfPcid(pcid, linear_address);
    case 1:
      return mmu.FlushPcid(pcid);
    case 2:
      return mmu.FlushAll();
    default:
      return mmu.FlushAllPcids();
  }
}

}  // namespace

Fault InvalidatePcid(Context& context, u64 type, u64 pcid, u64 linear_address) {
  const CpuState& state = context.state;
  if (Fault fault = RequireCpl0(state)) {
    return fault;
  }
  const bool names_pcid = type <= 1;
  const u64 highest_pcid = (state.cr4 & kCr4Pcide) != 0 ? 0xfff : 0;
  const bool is_bad_address = type == 0 && !IsCanonicalBase(context, linear_address);
  if (type > 3 || pcid > 0xfff || (names_pcid && pcid > highest_pcid) || is_bad_address) {
    return Fault::Gp();
  }
  FlushByType(context.mmu, type, static_cast<u16>(pcid), Gva(linear_address));
  return Fault::None();
}

}  // namespace tandem::cpu
