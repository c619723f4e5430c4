#pragma once

#include <span>
#include <string>

#include "cpu/state/cpu_state.h"

namespace tandem::cpu {

// What user code can see of two states, as text: one line a difference, empty where there is none.
// The first is called "native", the second "interpreter".
std::string CompareStates(const CpuState& native, const CpuState& interpreter);
std::string CompareBytes(const char* what, std::span<const std::byte> native,
                         std::span<const std::byte> interpreter);

// The exceptions that Linux turns into this signal.
bool SignalMatches(int signal, u8 vector);

}  // namespace tandem::cpu
