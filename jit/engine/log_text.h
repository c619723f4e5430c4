#pragma once

#include <string>

#include "jit/analysis/access_plan.h"
#include "jit/unit/unit.h"

// What log lines say of things of the translator.
namespace tandem::jit {

// "64-bit user", "16-bit real".
std::string ModeText(const UnitMode& mode);
// "copy", "call-out".
const char* TreatmentText(Treatment treatment);
// "CF ZF", or "none".
std::string FlagsText(u32 flags);
// "read of 8 at rbx+0x10: checks 24 from rbx+8 in the cached run", "...: under the check at 0x1000".
// address_of_leader: of the instruction whose check covers the access.
std::string AccessText(const AccessPlan& plan, u64 address_of_leader);
// Where a region has registers that are elsewhere otherwise: "r14 and rbp change places"; empty: none.
std::string HomesText(const Homes& homes);

}  // namespace tandem::jit
