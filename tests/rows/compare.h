#pragma once

#include <span>
#include <string>

#include "cpu/state/cpu_state.h"
#include "tests/rows/machine.h"

namespace tandem::cpu {

// What user code can see of two states, as text: one line a difference, empty where there is none.
std::string CompareStates(const CpuState& wanted, const CpuState& is);
// Whether CompareStates would find nothing, in less time.
bool AreEqual(const CpuState& wanted, const CpuState& is);
std::string CompareBytes(const char* what, std::span<const std::byte> wanted,
                         std::span<const std::byte> is);

// Vector, error code and place, of page faults the address too.
using Exceptions = std::optional<Machine::Exception>;
std::string CompareExceptions(const Exceptions& wanted, u64 wanted_cr2, const Exceptions& is,
                              u64 cr2);

}  // namespace tandem::cpu
