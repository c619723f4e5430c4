#pragma once

#include <span>
#include <string>

#include "cpu/state/cpu_state.h"

namespace tandem::cpu {

// What user code can see of two states, as text: one line a difference, empty where there is none.
std::string CompareStates(const CpuState& wanted, const CpuState& is);
std::string CompareBytes(const char* what, std::span<const std::byte> wanted,
                         std::span<const std::byte> is);

// The exceptions that Linux turns into this signal.
bool SignalMatches(int signal, u8 vector);

}  // namespace tandem::cpu
