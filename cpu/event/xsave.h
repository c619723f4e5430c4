#pragma once

#include "cpu/event/context.h"

// FXSAVE, FXRSTOR and the XSAVE family: CpuState's fx and vec against the guest's memory images.
// SDM Vol. 1, chapter 13 and 10.5. linear: the address of the area, segmentation done; alignment
// (#GP), #NM, #UD and privilege are checked here. long_form: REX.W (64-bit FIP and FDP).
namespace tandem::cpu {

Fault FxSave(Context& context, Gva linear, bool long_form);
Fault FxRestore(Context& context, Gva linear, bool long_form);

enum class XsaveVariant : u8 { kXsave, kXsaveOpt, kXsaveC, kXsaveS };

Fault Xsave(Context& context, Gva linear, bool long_form, XsaveVariant variant, u64 mask);
// supervisor: XRSTORS.
Fault Xrestore(Context& context, Gva linear, bool long_form, bool supervisor, u64 mask);

}  // namespace tandem::cpu
