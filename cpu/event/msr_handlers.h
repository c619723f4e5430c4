#pragma once

#include "cpu/event/descriptor.h"
#include "cpu/event/system.h"

namespace tandem::cpu {

// Readers and writers of msr_table.inc. index is the MSR's number, at or above the row's. Used
// within this room only.
using MsrReader = Fault (*)(Context& context, u32 index, u64& value);
using MsrWriter = Fault (*)(Context& context, u32 index, u64 value);

template <u64 Msrs::*kField>
Fault ReadField(Context& context, u32, u64& value) {
  value = context.state.msr.*kField;
  return Fault::None();
}
template <u64 Msrs::*kField>
Fault WriteField(Context& context, u32, u64 value) {
  context.state.msr.*kField = value;
  return Fault::None();
}
// A linear address: #GP(0) where it is not canonical.
template <u64 Msrs::*kField>
Fault WriteAddress(Context& context, u32, u64 value) {
  if (!IsCanonicalBase(context, value)) {
    return Fault::Gp();
  }
  context.state.msr.*kField = value;
  return Fault::None();
}
template <u64 Msrs::*kField, u64 kAllowed>
Fault WriteMasked(Context& context, u32, u64 value) {
  if ((value & ~kAllowed) != 0) {
    return Fault::Gp();
  }
  context.state.msr.*kField = value;
  return Fault::None();
}
template <SegReg kReg>
Fault ReadBase(Context& context, u32, u64& value) {
  value = context.state.Seg(kReg).base;
  return Fault::None();
}
template <SegReg kReg>
Fault WriteBase(Context& context, u32, u64 value) {
  if (!IsCanonicalBase(context, value)) {
    return Fault::Gp();
  }
  context.state.Seg(kReg).base = value;
  return Fault::None();
}
// Registers that come with a feature of the model: #GP(0) without it.
template <Feature kFeature, MsrReader kReader>
Fault ReadWith(Context& context, u32 index, u64& value) {
  return context.model.Has(kFeature) ? kReader(context, index, value) : Fault::Gp();
}
template <Feature kFeature, MsrWriter kWriter>
Fault WriteWith(Context& context, u32 index, u64 value) {
  return context.model.Has(kFeature) ? kWriter(context, index, value) : Fault::Gp();
}
template <u64 kValue>
Fault ReadConstant(Context&, u32, u64& value) {
  value = kValue;
  return Fault::None();
}
inline Fault WriteNothing(Context&, u32, u64) { return Fault::None(); }
inline Fault WriteForbidden(Context&, u32, u64) { return Fault::Gp(); }

Fault ReadTscMsr(Context& context, u32 index, u64& value);
Fault WriteTscMsr(Context& context, u32 index, u64 value);
Fault WriteTscAdjust(Context& context, u32 index, u64 value);
Fault ReadDeadline(Context& context, u32 index, u64& value);
Fault WriteDeadline(Context& context, u32 index, u64 value);
Fault ReadApicMsr(Context& context, u32 index, u64& value);
Fault WriteApicMsr(Context& context, u32 index, u64 value);
Fault WriteApicBase(Context& context, u32 index, u64 value);
Fault WriteEfer(Context& context, u32 index, u64 value);
Fault WritePat(Context& context, u32 index, u64 value);
Fault ReadMtrrVariable(Context& context, u32 index, u64& value);
Fault WriteMtrrVariable(Context& context, u32 index, u64 value);
Fault ReadMtrrFixed(Context& context, u32 index, u64& value);
Fault WriteMtrrFixed(Context& context, u32 index, u64 value);
Fault WriteMtrrDefType(Context& context, u32 index, u64 value);
Fault ReadMachineCheckBank(Context& context, u32 index, u64& value);
Fault WriteMachineCheckBank(Context& context, u32 index, u64 value);
Fault WriteMachineCheckControl(Context& context, u32 index, u64 value);
Fault ReadArchCapabilities(Context& context, u32 index, u64& value);
Fault ReadMicrocode(Context& context, u32 index, u64& value);
Fault WriteMiscEnable(Context& context, u32 index, u64 value);
Fault WriteFeatureControl(Context& context, u32 index, u64 value);
Fault WritePkrs(Context& context, u32 index, u64 value);
Fault WriteXss(Context& context, u32 index, u64 value);

}  // namespace tandem::cpu
